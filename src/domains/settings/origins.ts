import { z } from 'zod'
import { isWebOrigin } from '../../platform/http/cors.ts'
import type { Setting } from './kinds.ts'

const MOST = 50
const ANY = '*'

/** Origins of web pages, each once; `*` is any. */
export function origins(options: { readonly description: string }): Setting<readonly string[]> {
  const told = (value: readonly string[]) => (value.length === 0 ? 'none' : value.join(', '))
  return {
    kind: 'ORIGINS',
    description: options.description,
    default: [],
    bounds: `None unless set; at most ${MOST}, each written as https://www.example.com, or * for any.`,
    input: z
      .array(
        z
          .string()
          .max(255)
          .refine((text) => text === ANY || isWebOrigin(text), {
            message: 'Write an origin as https://www.example.com, without a path, or * for any.',
            params: { code: 'INVALID_FORMAT' },
          }),
      )
      .max(MOST)
      .refine((given) => new Set(given).size === given.length, {
        message: 'An origin stands here twice.',
        params: { code: 'DUPLICATE' },
      }),
    store: (value) => value,
    load: (stored) => stored as readonly string[],
    told,
  }
}

/** Whether pages of an origin are among those that a workspace lists; undefined where it lists none. */
export const lists = (allowed: readonly string[], origin: string): boolean | undefined =>
  allowed.length === 0 ? undefined : allowed.includes(origin) || allowed.includes(ANY)
