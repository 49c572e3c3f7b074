"""How Doko is run: on one machine (`local`), in containers, on Kubernetes."""
