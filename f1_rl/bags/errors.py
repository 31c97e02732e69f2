"""What can be wrong with a bag."""


class BagError(ValueError):
    """A bag that cannot be used; says what is wrong with it and what to do."""
