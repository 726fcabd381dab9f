"""Tiny notebooks for the tests of the report engine."""

import json

PARAMETERS = """\
register = "."
region = "een10voordejeugd"
gemeente = "GM0794"
peildatum = "2024-01-01"
policy = "werkgroep"
"""
PUBLISH = 'from zorgpad.publish import publish_text\npublish_text(f"Gegevens van **{gemeente}** tot {peildatum}.")'


def markdown(text):
    """A cell of text."""
    return {"cell_type": "markdown", "id": "m", "metadata": {}, "source": text}


def code(source, *outputs, tags=(), count=1):
    """A cell of code, with the outputs it had."""
    metadata = {"tags": list(tags)} if tags else {}
    return {
        "cell_type": "code",
        "id": "c",
        "metadata": metadata,
        "source": source,
        "outputs": list(outputs),
        "execution_count": count,
    }


def notebook(*cells):
    """A notebook of ``cells``."""
    numbered = [cell | {"id": f"cell-{number}"} for number, cell in enumerate(cells)]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": numbered}


def write_notebook(path, *sources, parameters=PARAMETERS, title="# Een titel"):
    """A notebook file with a title, a parameters cell and one cell per source; its path."""
    cells = [markdown(title), code(parameters, tags=["parameters"], count=None)]
    cells += [code(source, count=None) for source in sources]
    path.write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    return path
