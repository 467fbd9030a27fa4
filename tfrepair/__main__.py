"""``python -m tfrepair``: the command line."""

from tfrepair.cli.main import run

if __name__ == "__main__":
    run()
