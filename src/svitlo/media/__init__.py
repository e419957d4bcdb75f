"""What a file says of itself.

Runs only as the sandbox child (`python -m svitlo.media`) and is imported nowhere.
"""
