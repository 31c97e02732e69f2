"""The circuits of the library, one YAML file each, named after the circuit."""
