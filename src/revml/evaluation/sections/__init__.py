"""The sections of a model card, a module a section; `evaluation/card.py` puts them in order.

A section is a function of the words of a language and a manifest. It gives paragraphs of Markdown, or none where the
manifest has nothing for it: then the card leaves the section out.
"""
