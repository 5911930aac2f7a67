"""`python -m fedprop`: the command line, where the script is not on the path."""

from fedprop.cli import main

if __name__ == "__main__":
    main()
