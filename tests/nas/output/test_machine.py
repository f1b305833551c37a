from nas.output.machine import Machine

MACHINE = Machine(
    cpu="AMD EPYC (family 25, model 17)",
    torch="2.13.0+cpu",
    torch_isa="AVX2",
    onednn="3.12.0",
    onednn_isa="Intel AVX2",
    threads=2,
    precision="fp32",
    channels_last=True,
)


def test_a_machine_is_one_plain_line_without_what_is_not_known() -> None:
    assert str(MACHINE) == (
        "AMD EPYC (family 25, model 17), torch 2.13.0+cpu (AVX2), oneDNN 3.12.0 (Intel AVX2), 2 threads, fp32, channels_last"
    )
    bare = Machine(cpu="aarch64", torch="2.13.0", torch_isa="DEFAULT", onednn="", onednn_isa="", threads=1)
    assert str(bare) == "aarch64, torch 2.13.0 (DEFAULT), 1 thread"


def test_a_machine_comes_back_from_json() -> None:
    assert Machine.from_json(MACHINE.to_json()) == MACHINE
