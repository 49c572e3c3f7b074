"""How Doko is run: on one machine (``local``) now; in containers and on Kubernetes later."""
