# syntax=docker/dockerfile:1
# The image of every service and of willm. Targets:
#   will        services, without what runs models in their own process: for gateways, routers, cloud workers, …
#   will-local  besides llama.cpp, Whisper and OCR: for workers whose models run inside them
# NODE_IMAGE: Node 26 with npm on a slim Debian. A release pins it by digest.
ARG NODE_IMAGE=docker.io/library/node:26-slim

FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY packages packages
COPY services services
# Only what says which packages are needed: the layer below stays while only the code changes.
RUN find packages services -type f ! -name package.json -delete \
 && find packages services -type d -empty -delete

FROM ${NODE_IMAGE} AS packages
ENV CI=true
RUN npm install --global --no-audit --no-fund pnpm@12.21.0
WORKDIR /app
COPY --from=manifests /app ./
COPY test/package.json test/package.json
RUN pnpm install --frozen-lockfile --prod --ignore-scripts \
      --filter '{./services/**}...' --filter '@will/cli...' \
 # llama.cpp brings builds for other processors.
 && case "$(uname -m)" in x86_64) rm -rf node_modules/.pnpm/@node-llama-cpp+linux-arm* ;; esac

FROM packages AS packages-slim
COPY deploy/image/local-packages.txt /tmp/
RUN while read -r name; do find node_modules/.pnpm -maxdepth 1 -name "$name" -exec rm -rf {} +; done < /tmp/local-packages.txt \
 && find node_modules packages services -xtype l -delete

FROM ${NODE_IMAGE} AS code
WORKDIR /app
COPY package.json pnpm-workspace.yaml LICENSE ./
COPY packages packages
COPY services services
COPY proto/will proto/will
COPY proto/google proto/google
COPY deploy/documents deploy/documents
COPY --chmod=755 deploy/image/willm /usr/local/bin/willm

# Every program as one file: a service starts in a third of the time. What it is made of stays beside it, for child
# processes and data files.
FROM packages AS bundles
# In the version that the workspace pins.
RUN npm install --prefix /tmp/tools --no-audit --no-fund "rolldown@$(sed -n 's/^  rolldown: //p' pnpm-workspace.yaml)" \
 && mkdir -p /app/scripts \
 && ln -s /tmp/tools/node_modules /app/scripts/node_modules
COPY --from=code /app /app
COPY tsconfig.base.json /app/
COPY scripts/bundle.ts /app/scripts/
RUN node scripts/bundle.ts /app/programs

FROM ${NODE_IMAGE} AS base
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="will" \
      org.opencontainers.image.description="Will's model router" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The root is read-only where it is run: what is written goes to /data and /tmp.
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/tmp/compile-cache \
    MALLOC_ARENA_MAX=2 \
    NODE_OPTIONS=--max-semi-space-size=8 \
    WILL_DATA_DIR=/data \
    WILL_METRICS_PORT=9464 \
    WILL_LISTEN_HOST=127.0.0.1
RUN mkdir -p /data && chown 1000:1000 /data
WORKDIR /app
USER 1000:1000
VOLUME ["/data", "/tmp"]
EXPOSE 8080 50051 9464
# Kept by builders that write the Docker format: `podman build --format docker`.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.WILL_METRICS_PORT||9464)+'/livez').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
CMD ["node", "--disable-sigusr1", "programs/gateway.mjs"]

FROM base AS will-local
COPY --from=packages /app /app
COPY --from=code /app /app
COPY --from=bundles /app/programs /app/programs
COPY --from=code /usr/local/bin/willm /usr/local/bin/willm

FROM base AS will
COPY --from=packages-slim /app /app
COPY --from=code /app /app
COPY --from=bundles /app/programs /app/programs
COPY --from=code /usr/local/bin/willm /usr/local/bin/willm
