import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse, validate } from 'graphql'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { defaultLimits, type OperationLimit } from '../src/platform/graphql/limits.ts'
import { MAX_OPERATIONS_PER_SOCKET } from '../src/platform/graphql/websocket-door.ts'
import { schema } from '../src/schema.ts'
import { blocksOf, guidePages, linksOf, readPage } from '../test/first-hour/markdown.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/guide/README.md', ...guidePages()]

describe.each(PAGES)('%s', (page) => {
  it('shows only GraphQL that the schema knows', () => {
    const faults = blocksOf(page)
      .filter(({ language }) => language === 'graphql')
      .flatMap(({ text, place }) => validate(schema, parse(text)).map(({ message }) => `${place}: ${message}`))
    expect(faults).toEqual([])
  })

  it('shows only commands that a shell can read, of scripts that there are', () => {
    const { scripts } = JSON.parse(readPage('package.json')) as { scripts: Record<string, string> }
    const faults = blocksOf(page)
      .filter(({ language }) => language === 'sh')
      .flatMap(({ text, place }) => {
        const { status, stderr } = spawnSync('bash', ['-n', '-c', text], { encoding: 'utf8' })
        const named = [...text.matchAll(/\bnpm (?:run )?([\w:]+)/g)].map(([, script = '']) => script)
        const unknown = named.filter((name) => !['ci', 'install'].includes(name) && scripts[name] === undefined)
        return [
          ...(status === 0 ? [] : [`${place}: ${stderr}`]),
          ...unknown.map((name) => `${place}: no script ${name}`),
        ]
      })
    expect(faults).toEqual([])
  })

  it('leads only to pages and files that there are', () => {
    const local = linksOf(page).filter((target) => !/^[a-z]+:/.test(target))
    expect(local.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([])
    const named = [...readPage(page).matchAll(/`((?:src|test|gates|prisma|docs)\/[\w./-]+\.\w+)`/g)]
    expect(named.map(([, file = '']) => file).filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
  })
})

describe('docs/reference/conventions.md', () => {
  it('tells the limits that are kept', () => {
    const { maxAliases, maxDirectives } = defaultLimits
    const count = (n: number) => n.toLocaleString('en')
    expect(maxDirectives).toBe(maxAliases)
    const kept: Record<OperationLimit, string> = {
      COST_PER_MINUTE: 'as the server is set',
      COST: count(defaultLimits.maxCost),
      LENGTH: count(defaultLimits.maxLength),
      TOKENS: count(defaultLimits.maxTokens),
      NESTING: count(defaultLimits.maxNesting),
      FIELDS: count(defaultLimits.maxFields),
      DEPTH: count(defaultLimits.maxDepth),
      ALIASES: `${maxAliases} each`,
      DIRECTIVES: `${maxDirectives} each`,
      VARIABLES: count(defaultLimits.maxVariableDepth),
      TIME: `${defaultLimits.timeoutMs / 1_000} s`,
      SIZE: `${loadConfig({}, true).http.maxBodyBytes / 1_024 ** 2} MB`,
      OPERATIONS: count(MAX_OPERATIONS_PER_SOCKET),
    }
    const rows = [...readPage('docs/reference/conventions.md').matchAll(/^\| (`[A-Z_`, ]+`) \|.*\| (.+) \|$/gm)]
    const told = rows.flatMap(([, names = '', most = '']) => names.split(', ').map((name) => [name.slice(1, -1), most]))
    expect(Object.fromEntries(told)).toEqual(kept)
  })
})
