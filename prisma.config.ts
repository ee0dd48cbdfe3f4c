import { defineConfig } from 'prisma/config'

// Most commands (generate, validate, format) would download an engine they have no use for, and fail without a network;
// any executable will do. Those that do work on a database keep theirs.
const needsEngine = process.argv.some((argument) => argument === 'migrate' || argument === 'db')
if (!needsEngine) process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath

const url = process.env.DATABASE_DIRECT_URL ?? process.env.DATABASE_URL

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(url === undefined ? {} : { datasource: { url } }),
})
