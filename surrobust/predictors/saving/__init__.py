"""Saving: a fitted predictor as a folder, and back without trusting what lies there.

``folder`` writes and reads it whole or not at all; ``card`` says what the predictor is, ``weights``
holds all of its arrays, ``state`` being what it remembers besides what it has learnt, and
``fingerprint`` what it has to say once it is read.
"""
