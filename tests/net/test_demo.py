"""The demo does what it says, reads well, and leaves nothing when it is interrupted."""
import signal
from pathlib import Path

from lab import BUILD, SRC, main, test


def demo(lab):
    # A shell that puts us in the background has SIGINT ignored, and so would the demo have.
    return lab.process(["env", "--default-signal=INT", SRC / "tests" / "demo", BUILD],
                       env={"TMPDIR": str(lab.folder("demo"))})


@test
def a_machine_without_anything_is_let_in_and_shut_out(lab):
    process = demo(lab)
    lab.equal(process.wait(), 0, "its exit status")
    said = "\n".join(process.lines)
    for word in ("the port is closed", "the port is open", "CN=laptop.example.org", "* a new key was made",
                 "generation 1", "generation 2", "60 pings were sent, and 60 came back", "was revoked"):
        lab.check(word in said, f"it says: {word}")
    lab.check(max(map(len, process.lines)) <= 80, "it fits in 80 columns")
    lab.check("\033" not in said, "it has no colours, for this is no terminal")


@test
def an_interrupted_demo_leaves_nothing(lab):
    process = demo(lab)
    process.expect("^1. ")
    process.signal(signal.SIGINT)
    lab.equal(process.wait(), 130, "its exit status")
    lab.check(not list(Path(lab.dir / "demo1").iterdir()), "nothing is left")


if __name__ == "__main__":
    main()
