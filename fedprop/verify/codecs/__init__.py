"""What codecs of model states owe: there and back without a loss."""
