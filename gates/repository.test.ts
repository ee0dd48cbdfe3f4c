import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadConfig, SETTING_DEFAULTS } from '../src/config.ts'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

describe('.env.example', () => {
  interface Line {
    readonly name: string
    readonly value: string
    readonly sentence: string
  }
  const lines: Line[] = []
  let comment: string[] = []
  for (const line of read('.env.example').split('\n')) {
    const [, name, value = ''] = line.match(/^([A-Z_]+)=(.*)$/) ?? []
    if (name !== undefined) lines.push({ name, value, sentence: comment.join(' ') })
    comment = line.startsWith('# ') ? [...comment, line.slice(2)] : []
  }

  it('names every setting once, and nothing that is none', () => {
    expect(lines.map(({ name }) => name).sort()).toEqual(Object.keys(SETTING_DEFAULTS).sort())
  })

  it('shows the default of each', () => {
    const defaults = Object.entries(SETTING_DEFAULTS).map(([name, value]) => [name, String(value ?? '')])
    expect(Object.fromEntries(lines.map(({ name, value }) => [name, value]))).toEqual(Object.fromEntries(defaults))
  })

  it('explains each in a sentence of its own', () => {
    expect(lines.filter(({ sentence }) => !/^[A-Z].{20,}/.test(sentence))).toEqual([])
    expect(new Set(lines.map(({ sentence }) => sentence)).size).toBe(lines.length)
  })

  it('changes nothing when it is used as it stands', () => {
    const env = Object.fromEntries(lines.map(({ name, value }) => [name, value]))
    expect(loadConfig(env, true)).toEqual(loadConfig({}, true))
  })
})

describe('versions', () => {
  interface Manifest {
    readonly engines: { readonly node: string }
    readonly [group: string]: unknown
  }
  const manifest = JSON.parse(read('package.json')) as Manifest

  it('of dependencies and overrides are exact', () => {
    const groups = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides']
    const loose = groups.flatMap((group) =>
      Object.entries((manifest[group] ?? {}) as Record<string, unknown>).filter(
        ([, version]) => !/^\d+\.\d+\.\d+(?:-[0-9a-z.-]+)?$/i.test(String(version)),
      ),
    )
    expect(loose).toEqual([])
  })

  it('of actions in the workflow are exact, and each Node of it is one that is supported', () => {
    const workflow = read('.github/workflows/ci.yml')
    const actions = [...workflow.matchAll(/uses: (\S+)/g)].map(([, action = '']) => action)
    expect(actions.filter((action) => !/@(?:v\d+\.\d+\.\d+|[0-9a-f]{40})$/.test(action))).toEqual([])
    expect(actions).not.toEqual([])
    const majors = [...(workflow.match(/node: \[(.+)\]/)?.[1] ?? '').matchAll(/\d+/g)].map(Number)
    const [, oldest = ''] = manifest.engines.node.match(/^>=(\d+)\./) ?? []
    expect(Math.min(...majors)).toBe(Number(oldest))
    expect(majors).toEqual([20, 22, 24])
    expect(workflow).toContain('run: bash .ci/run')
  })

  it('of the tools that must agree do', () => {
    const { devDependencies } = manifest as unknown as { devDependencies: Record<string, string> }
    expect(devDependencies['@vitest/coverage-v8']).toBe(devDependencies.vitest)
    expect(devDependencies['@secretlint/secretlint-rule-preset-recommend']).toBe(devDependencies['@secretlint/core'])
  })
})
