"""The engine on Ray Tune: one machine with several GPUs, or a cluster.

`settings`: what a user may set. `hooks`: the searcher, the scheduler and the stopper, which call the driver. `worker`: what runs in
an actor. `deaths`: what a lost worker died of. `engine`: puts them together. Ray is imported with the engine only.
"""
