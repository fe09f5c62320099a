"""Saving: a fitted predictor as a folder, and back without trusting what lies there.

``folder`` writes and reads it whole or not at all; ``card`` says what the predictor is, ``state``
what it remembers besides its weights, ``fingerprint`` what it has to say once it is read.
"""
