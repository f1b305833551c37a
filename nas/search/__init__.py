"""The search itself: the problem that samplers see, the driver that hands out candidates, and when it ends."""
