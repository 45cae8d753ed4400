"""What files name: compose files, Dockerfiles and Kubernetes manifests, read and never executed."""
