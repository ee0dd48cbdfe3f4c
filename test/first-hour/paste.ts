import { setTimeout as sleep } from 'node:timers/promises'
import { getOperationAST, parse } from 'graphql'
import { expect } from 'vitest'
import { ask, serverSentEvents } from '../front-door/visitor.ts'
import type { Block } from './markdown.ts'
import type { Newcomer } from './newcomer.ts'
import type { Ended } from './terminal.ts'

const SHOWN_WITHIN_MS = 60_000

/** A block that leaves something running: it is served, and stopped when the next one is. */
export const serves = ({ language, text }: Block): boolean =>
  language === 'sh' && /\bnpm (?:start|run server)\b/.test(text)

const needsDocker = ({ text }: Block): boolean => /\bdocker\b/.test(text)

/** Pastes a command as a reader would, and expects that it worked. */
export async function paste(newcomer: Newcomer, block: Block): Promise<void> {
  if (block.language !== 'sh') return
  if (needsDocker(block) && (await newcomer.terminal.run('docker info')).exitCode !== 0) {
    process.stderr.write(`There is no Docker here: ${block.place} is NOT run.\n`)
    return
  }
  expectSuccess(await newcomer.terminal.run(block.text), block)
}

export function expectSuccess({ exitCode, output }: Ended, { place }: Block): void {
  expect(exitCode, `${place} printed:\n${output}`).toBe(0)
}

/**
 * GraphiQL, as a reader of one page uses it. A variable gets the id that the document before it showed: `$approval` the
 * first `approval_…`. Where none is there yet, because an employee is still at it, Play is pressed again.
 */
export class Graphiql {
  readonly #newcomer: Newcomer
  #last: Block | undefined
  #shown = ''

  constructor(newcomer: Newcomer) {
    this.#newcomer = newcomer
  }

  /** Play: an answer without errors, which for a mutation is its payload; of a subscription the first item. */
  async play(block: Block): Promise<void> {
    const { text, place } = block
    const operation = getOperationAST(parse(text))
    const names = (operation?.variableDefinitions ?? []).map(({ variable }) => variable.name.value)
    const variables = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await this.#idOf(name)])))
    const data =
      operation?.operation === 'subscription'
        ? await firstItem(this.#newcomer, text)
        : await ask<Record<string, unknown>>(this.#newcomer, text, variables)
    const refused = Object.values(data).filter((field) => {
      const { __typename: type } = (field ?? {}) as { readonly __typename?: string }
      return type !== undefined && !type.endsWith('Payload')
    })
    expect(refused, `${place} was refused`).toEqual([])
    this.#last = block
    this.#shown = JSON.stringify(data)
  }

  async #idOf(kind: string): Promise<string> {
    const giveUpAt = performance.now() + SHOWN_WITHIN_MS
    for (;;) {
      const id = this.#shown.match(new RegExp(`${kind}_[0-9a-f-]{36}`))?.[0]
      if (id !== undefined) return id
      if (this.#last === undefined || performance.now() > giveUpAt)
        throw new Error(`no ${kind} is shown: ${this.#shown}`)
      await sleep(100)
      await this.play(this.#last)
    }
  }
}

async function firstItem(newcomer: Newcomer, query: string): Promise<Record<string, unknown>> {
  const connection = new AbortController()
  try {
    for await (const { event, data } of serverSentEvents(newcomer, query, { signal: connection.signal })) {
      const item = JSON.parse(data) as { readonly data?: Record<string, unknown>; readonly errors?: unknown }
      if (event === 'next' && item.errors === undefined && item.data !== undefined) return item.data
      throw new Error(`${event}: ${data}`)
    }
    throw new Error('the subscription ended without an item')
  } finally {
    connection.abort()
  }
}
