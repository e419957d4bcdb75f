"""Fix bytes so that nobody can deny them: digests, commitments, the log, stamps and sealed files.

Pure: bytes in, bytes out. Time, randomness and keys come in as arguments.
"""
