# The service with the models of this repository: target `cpu` (the default) and target `cuda`. docs/deployment.md says how
# to build and run them; scripts/build-image.sh builds and tries the first without a registry of images.
ARG NODE_IMAGE=node:22-bookworm-slim
ARG PYTHON_IMAGE=python:3.12-slim-bookworm
# The C and C++ libraries of Debian 12, and no shell.
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:latest

FROM ${NODE_IMAGE} AS build
WORKDIR /app
# .npmrc switches install scripts off: onnxruntime-node's would download CUDA libraries.
COPY package.json package-lock.json .npmrc ./
# For registries and proxies of one's own: docker build --secret id=npmrc,src=... --secret id=ca,src=...
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca,target=/run/ca.pem \
    if [ -s /run/ca.pem ]; then export NODE_EXTRA_CA_CERTS=/run/ca.pem; fi; \
    npm ci --no-audit --no-fund --cache /tmp/npm && rm -rf /tmp/npm
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/sbom.mjs scripts/
COPY proto proto
COPY src src
COPY web web
# onnxruntime-node brings its library for every platform; declarations and source maps are for those who develop.
RUN npm run build \
 && npm prune --omit=dev --no-audit --no-fund --cache /tmp/npm && rm -rf /tmp/npm \
 && npm sbom --package-lock-only --omit dev --sbom-format cyclonedx | node scripts/sbom.mjs >sbom.cdx.json \
 && find node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 \
      ! -path "*/$(node -p 'process.platform + "/" + process.arch')" -exec rm -r {} + \
 && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -type f -delete \
 && rm -f node_modules/.package-lock.json

FROM ${BASE_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="logah" \
      org.opencontainers.image.description="Predicts the initial weights of neural networks from their architecture, over gRPC" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
# glibc raises the size from which it gives memory back at once to that of the largest piece that was ever freed, and then
# keeps what large requests and chunks took. A size that is set stays (npm run soak runs with it, too).
ENV NODE_ENV=production \
    HOME=/tmp \
    MALLOC_MMAP_THRESHOLD_=131072 \
    LOGAH_ADDRESS=0.0.0.0:50051
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/sbom.cdx.json ./
COPY package.json LICENSE ./
COPY proto proto
COPY examples/gpt2 examples/gpt2
COPY examples/vit-base-patch16-224 examples/vit-base-patch16-224
COPY models models
# By number, so that Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 50051
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["/usr/local/bin/node", "dist/cli/main.js", "health", "--server", "127.0.0.1:50051"]
# No init process: the server handles SIGTERM itself and starts threads, no processes.
ENTRYPOINT ["/usr/local/bin/node", "dist/cli/main.js"]
CMD ["serve"]

# CUDA 13, cuDNN 9 and ONNX Runtime's provider of the version that the service has, all from PyPI: 2.4 GB.
FROM ${PYTHON_IMAGE} AS cuda-libraries
WORKDIR /work
COPY scripts/cuda-provider.sh scripts/
COPY --from=build /app/node_modules/onnxruntime-node node_modules/onnxruntime-node
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=ca,target=/run/ca.pem \
    if [ -s /run/ca.pem ]; then export PIP_CERT=/run/ca.pem; fi; \
    PIP_NO_CACHE_DIR=1 scripts/cuda-provider.sh --libraries /opt/cuda /work

FROM runtime AS cuda
COPY --from=cuda-libraries /opt/cuda/lib /opt/cuda/lib
COPY --from=cuda-libraries /work/node_modules/onnxruntime-node/bin node_modules/onnxruntime-node/bin
# The NVIDIA Container Toolkit reads the last two: which GPUs it shows to the container, and which of the driver's parts.
ENV LD_LIBRARY_PATH=/opt/cuda/lib \
    LOGAH_EXECUTION_PROVIDER=cuda \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM runtime AS cpu
ENV LOGAH_EXECUTION_PROVIDER=cpu
