import type { CodegenConfig } from '@graphql-codegen/cli'
import { SCALAR_TYPES } from './src/platform/graphql/scalar-types.ts'

/** Typed documents for the client, the demo and the tests. Scalars are spelled out: left to itself, codegen types them `any`. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: ['src/client/**/*.ts', 'src/commands/**/*.ts', 'src/start-page/**/*.ts', '!src/client/gql/**'],
  ignoreNoDocuments: true,
  generates: {
    'src/client/gql/': {
      preset: 'client',
      // The server knows them before anybody asks: see `trusted-documents.ts`.
      presetConfig: { fragmentMasking: false, persistedDocuments: { hashAlgorithm: 'sha256' } },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        documentMode: 'string',
        emitLegacyCommonJSImports: false,
        importExtension: '.ts',
        scalars: SCALAR_TYPES,
      },
    },
  },
}

export default config
