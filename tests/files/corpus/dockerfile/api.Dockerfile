#!/usr/bin/env docker
# Syntax = docker.io/docker/dockerfile-upstream:master-labs
# check=skip=all
FROM docker.io/library/rust:1.83@sha256:0000000000000000000000000000000000000000000000000000000000000003 AS chef
FROM chef AS planner
FROM chef AS builder
COPY --from=planner /app/recipe.json recipe.json
FROM node AS node
FROM debian:bookworm-slim AS runtime
COPY --from=node /usr/local/bin/node /usr/local/bin/
