# The service on the CPU, with the models of this repository. docs/deployment.md says how to run it, and how to build
# one for CUDA.
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
# .npmrc switches install scripts off: onnxruntime-node's would download CUDA libraries.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/
COPY proto proto
COPY src src
# onnxruntime-node brings its library for every platform.
RUN npm run build \
 && npm prune --omit=dev \
 && find node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 \
      ! -path "*/$(node -p 'process.platform + "/" + process.arch')" -exec rm -r {} +

FROM ${NODE_IMAGE}
WORKDIR /app
ENV NODE_ENV=production \
    LOGAH_ADDRESS=0.0.0.0:50051
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY proto proto
COPY examples/gpt2 examples/gpt2
COPY examples/vit-base-patch16-224 examples/vit-base-patch16-224
COPY models models
# The image's user `node`; by number, so that Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 50051
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --start-interval=1s \
  CMD ["node", "dist/cli/main.js", "health", "--server", "127.0.0.1:50051"]
# No init process: the server handles SIGTERM itself and starts threads, no processes.
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["serve"]
