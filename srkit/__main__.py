"""`python -m srkit`, which is how torchrun and accelerate start the command line."""

from srkit.cli.main import run

if __name__ == "__main__":
    run()
