import { SCALAR_TYPES } from './scalar-types.ts'

/** A codegen.ts for a project outside: typed documents from the server at this address. */
export function outsideCodegen(serverUrl: string): string {
  const scalars = Object.entries(SCALAR_TYPES).map(([name, type]) => `          ${name}: '${type}',`)
  return `import type { CodegenConfig } from '@graphql-codegen/cli'

// Typed documents from this server's schema, for a project of your own:
//
//   npm install --save-dev @graphql-codegen/cli @graphql-codegen/client-preset typescript
//   npx graphql-codegen
//
// Then write documents with graphql(\`…\`) from './gql/index.js'. Where npm cannot find a version of
// @graphql-tools/batch-execute that the CLI asks for, put this into package.json and install again:
//
//   "overrides": { "@graphql-tools/batch-execute": "10.2.0" }

const config: CodegenConfig = {
  schema: ${JSON.stringify(`${serverUrl}/schema.graphql`)},
  documents: ['src/**/*.{ts,tsx}', '!src/gql/**'],
  ignoreNoDocuments: true,
  generates: {
    './src/gql/': {
      preset: 'client',
      // Writes persisted-documents.json: with it as TRUSTED_DOCUMENTS, the server takes these documents and no others.
      presetConfig: { fragmentMasking: false, persistedDocuments: { hashAlgorithm: 'sha256' } },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        // Understood by bundlers and by Node alike.
        emitLegacyCommonJSImports: false,
        importExtension: '.js',
        // Left out, a scalar is \`any\`, and an id in an input \`string | number\`.
        scalars: {
${scalars.join('\n')}
        },
      },
    },
  },
}

export default config
`
}
