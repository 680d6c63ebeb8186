"""Find one person in a folder of crops: the nearest pictures of one picture, with their distances.

Example: python examples/search.py runs/first person.jpg gallery-folder --top 5 --sheet found.png
"""

from __future__ import annotations

import argparse
import sys

import occreid


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="what occreid.load_model takes: a run folder, a file, a name, hf:owner/name")
    parser.add_argument("picture", help="a crop of the person to find")
    parser.add_argument("gallery", help="a folder of crops, searched with its subfolders")
    parser.add_argument("--top", type=int, default=10, help="how many to show")
    parser.add_argument("--sheet", help="a PNG of the answers")
    arguments = parser.parse_args()

    hits = occreid.search(arguments.picture, arguments.gallery, model=arguments.model, top=arguments.top)
    print(hits)
    if arguments.sheet:
        hits.sheet(arguments.sheet)


if __name__ == "__main__":
    try:
        main()
    except occreid.UserError as error:
        sys.exit(str(error))
