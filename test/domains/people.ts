import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import type { Answer, House } from './house.ts'

/** A password that is good enough, for everybody. */
export const PASSWORD = 'the quick brown fox jumps'

type Json = Record<string, unknown>

const WHERE = 'account { id email name } workspace { workspaceId slug role } accessToken { token }'
const SIGNED_IN = `${WHERE} refreshToken`
const SELECTIONS: Readonly<Record<string, string>> = {
  signUp: SIGNED_IN,
  logIn: SIGNED_IN,
  refreshSession: SIGNED_IN,
  switchWorkspace: WHERE,
  createWorkspace: WHERE,
  acceptInvite: WHERE,
  leaveWorkspace: WHERE,
  logOut: 'loggedOut',
  requestPasswordReset: 'accepted',
  resetPassword: 'reset',
  requestEmailChange: 'accepted',
  confirmEmailChange: 'email',
  inviteMember: 'secret replayed invite { id email role status }',
  revokeInvite: 'invite { id status }',
}

/** The errors of an answer as one error: their first code and message. */
export class Refused extends Error {
  readonly code: unknown
  readonly extensions: Json

  constructor({ message, extensions = {} }: { readonly message: string; readonly extensions?: Json }) {
    super(message)
    this.code = extensions.code
    this.extensions = extensions
  }
}

/** Whoever holds this access token; nobody, without one. Throws `Refused` for errors of an answer. */
export function caller({ endpoint }: Pick<House, 'endpoint'>, token?: string, headers: Record<string, string> = {}) {
  const query = async (document: string, variables: Json = {}): Promise<Json> => {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      body: JSON.stringify({ query: document, variables }),
    })
    const { data, errors } = (await response.json()) as {
      data?: Json
      errors?: { message: string; extensions?: Json }[]
    }
    if (errors?.[0] !== undefined) throw new Refused(errors[0])
    return data ?? {}
  }
  return {
    query,
    /** One mutation; the fields of its payload, or of the error. */
    mutate: async (name: string, input: Json, selection = SELECTIONS[name] ?? 'cursor'): Promise<Answer> => {
      const base = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
      const data = await query(
        `mutation($input: ${base}Input!) { ${name}(input: $input) { __typename ... on ${base}Payload { ${selection} }
          ... on InvalidInputError { issues { field code } } ... on ConflictError { reason } ... on UserError { code message } } }`,
        { input },
      )
      return data[name] as Answer
    },
    /** The close code and reason of a socket that follows everything, once it is closed. */
    follow: (document = 'subscription { events { id } }') => {
      const closed = new Promise<{ code: number; reason: string }>((resolve, reject) => {
        const client = createClient({
          url: endpoint.replace(/^http/, 'ws'),
          webSocketImpl: WebSocket,
          retryAttempts: 0,
          connectionParams: { authorization: `Bearer ${token}` },
          lazy: false,
          on: { closed: (event) => resolve(event as { code: number; reason: string }) },
          onNonLazyError: () => {},
        })
        client.on('connected', () =>
          client.subscribe({ query: document }, { next: () => {}, error: reject, complete: () => {} }),
        )
        client.on('connected', () => opened())
      })
      let opened = () => {}
      const open = new Promise<void>((resolve) => {
        opened = resolve
      })
      return { open, closed }
    },
  }
}

export type Caller = ReturnType<typeof caller>

interface Session {
  readonly accessToken: { readonly token: string }
  readonly refreshToken: string
  readonly account: { readonly id: string; readonly email: string }
  readonly workspace: { readonly workspaceId: string; readonly slug: string; readonly role: string } | null
}

/** What an answer says of the session it has opened. Throws the answer when it has opened none. */
export function sessionOf(answer: Answer): Session {
  if (answer.__typename.endsWith('Error')) throw new Error(JSON.stringify(answer))
  return answer as unknown as Session
}

let people = 0

/** A new person with an account, signed in; with a workspace of their own where `workspace` names it. */
export async function signedUp(house: House, workspace?: string) {
  const email = `person-${++people}@people.example`
  const input = {
    email,
    password: PASSWORD,
    name: 'Grace',
    ...(workspace === undefined ? {} : { workspace: { name: workspace } }),
  }
  const session = sessionOf(await caller(house).mutate('signUp', input))
  return { email, ...session, ...caller(house, session.accessToken.token) }
}
