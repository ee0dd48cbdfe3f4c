// What somebody who is signed in with a browser does with the identities of their account.

import type { Visitor } from './browser-visitor.ts'

export interface Shown {
  readonly id: string
  readonly issuer: string
  readonly label: string
  readonly connectedAt: string
  readonly lastUsedAt: string | null
}

/** What their own account shows them. */
export async function identitiesOf(visitor: Visitor): Promise<readonly Shown[]> {
  const { body } = await visitor.ask('{ viewer { account { identities { id issuer label connectedAt lastUsedAt } } } }')
  return (body as { data: { viewer: { account: { identities: readonly Shown[] } } } }).data.viewer.account.identities
}

export const disconnect = async (visitor: Visitor, id: string) => {
  const { body } = await visitor.ask(
    `mutation { disconnectIdentity(input: { id: "${id}" }) { __typename
      ... on DisconnectIdentityPayload { account { identities { id } } } ... on UserError { code message } } }`,
  )
  return (body as { data: { disconnectIdentity: Record<string, unknown> } }).data.disconnectIdentity
}

export const isSignedIn = async (visitor: Visitor) => (await visitor.visit('/account')).status === 200
