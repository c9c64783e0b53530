# The server in a container. How to run it: docs/operations.md, "Container". A test does each of these steps.
#   docker build -t tally .
#   docker run --rm -p 127.0.0.1:7878:7878 tally
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json tsconfig.build.json tsconfig.client.json ./
RUN npm ci --ignore-scripts
COPY src src
COPY steps steps
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-slim
WORKDIR /app
COPY --from=build /app/package.json package.json
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# A container's loopback is its own: on it, nobody could reach the server.
ENV NODE_ENV=production TALLY_HOST=0.0.0.0 TALLY_HTTP_HOST=0.0.0.0
USER node
EXPOSE 7878
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["node", "-e", "process.exitCode = 1; require('node:net').connect(process.env.TALLY_PORT || 7878, '127.0.0.1', function () { this.end('{\"type\":\"health\"}\\n') }).on('data', answer => { process.exitCode = answer.includes('\"ok\"') ? 0 : 1 }).on('error', () => {})"]
# Node is process 1, and gets the signals.
ENTRYPOINT ["node", "--max-semi-space-size=1", "dist/src/cli/main.js"]
CMD ["serve"]
