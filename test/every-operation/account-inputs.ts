// What the operations of accounts are given, where their types cannot tell.

import { getNamedType, isInputObjectType, isRequiredInputField } from 'graphql'
import { hashSecret } from '../../src/platform/auth/secret-token.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import { type House, passwordOf, type Workspace } from './house.ts'
import type { Operation } from './operations.ts'

export type Input = Record<string, unknown>

let made = 0

/** Inputs that are good for the person of a workspace. */
export function accountInputs({ owner, anonymous }: House) {
  /** Another session of the workspace's first member, opened below the API. */
  const otherSessionOf = async (workspaceId: string): Promise<string> => {
    const { rows } = await owner.query<{ id: string }>(
      `insert into session (id, account_id, kind, workspace_id, expires_at)
       select gen_random_uuid(), account_id, 'PROGRAM', workspace_id, now() + interval '1 day'
         from member where workspace_id = $1 and account_id is not null limit 1 returning id`,
      [workspaceId],
    )
    return rows[0]?.id ?? ''
  }

  /** A sign-in at an issuer, connected below the API to the account of the workspace's first member. */
  const identityOf = async (workspaceId: string): Promise<string> => {
    const { rows } = await owner.query<{ id: string }>(
      `insert into account_identity (id, issuer, subject, account_id)
       select gen_random_uuid(), 'https://login.example', gen_random_uuid()::text, account_id
         from member where workspace_id = $1 and account_id is not null limit 1 returning id`,
      [workspaceId],
    )
    return rows[0]?.id ?? ''
  }

  const emailOf = (mark: string): string => `ada@${mark.toLowerCase()}.example`

  const refreshTokenOf = async ({ mark }: Workspace): Promise<string> => {
    const query = `mutation ($input: LogInInput!) { logIn(input: $input) { ... on LogInPayload { refreshToken } } }`
    const input = { email: emailOf(mark), password: passwordOf(mark) }
    const { data } = await anonymous.ask({ query, variables: { input } })
    return (data as { logIn: { refreshToken: string } }).logIn.refreshToken
  }

  /** What stands in the link of a mail, written below the API. */
  const tokenOf = async ({ id }: Workspace, kind: 'reset' | 'email', email: string | null = null): Promise<string> => {
    made += 1
    const token = `cadre_${kind}_${String(made).padStart(43, '0')}`
    await owner.query(
      `insert into account_token (hash, account_id, purpose, email, expires_at)
       select $2, account_id, $3, $4, now() + interval '1 hour'
         from member where workspace_id = $1 and account_id is not null limit 1`,
      [id, hashSecret(token), kind === 'reset' ? 'PASSWORD_RESET' : 'EMAIL', email],
    )
    return token
  }

  const inputs: Readonly<Record<string, (of: Workspace) => Input | Promise<Input>>> = {
    acceptInvite: ({ invite }) => ({ inviteToken: invite.token }),
    changePassword: ({ mark }) => ({ currentPassword: passwordOf(mark), newPassword: `${passwordOf(mark)} twice` }),
    confirmEmailChange: async (of) => ({ token: await tokenOf(of, 'email', `moved-${made}@people.example`) }),
    createWorkspace: () => ({ name: 'Founded', slug: `founded-${++made}`, timeZone: 'UTC', currency: 'EUR' }),
    disconnectIdentity: async ({ id }) => ({ id: encodeId('identity', await identityOf(id)) }),
    eraseAccount: ({ mark }) => ({ currentPassword: passwordOf(mark) }),
    leaveWorkspace: ({ id }) => ({ workspace: encodeId('workspace', id) }),
    logIn: ({ mark }) => ({ email: emailOf(mark), password: passwordOf(mark) }),
    refreshSession: async (of) => ({ refreshToken: await refreshTokenOf(of) }),
    requestEmailChange: ({ mark }) => ({
      email: `moved-${++made}@people.example`,
      currentPassword: passwordOf(mark),
    }),
    requestPasswordReset: ({ mark }) => ({ email: emailOf(mark) }),
    resetPassword: async (of) => ({ token: await tokenOf(of, 'reset'), password: 'another one that is good' }),
    revokeSession: async ({ id }) => ({ id: encodeId('session', await otherSessionOf(id)) }),
    signUp: () => ({ email: `new-${++made}@people.example`, name: 'New', password: 'a password that is good' }),
    switchWorkspace: ({ id }) => ({ workspace: encodeId('workspace', id) }),
    updateAccount: () => ({ name: `Renamed ${++made}` }),
  }

  const inputOf = (operation: Operation, of: Workspace): Input | Promise<Input> => {
    const known = inputs[operation.name]
    if (known !== undefined) return known(of)
    const type = getNamedType(operation.field.args[0]?.type)
    const required = isInputObjectType(type) ? Object.values(type.getFields()).filter(isRequiredInputField) : []
    if (required.length > 0) throw new Error(`say in account-inputs.ts what ${operation.name} takes`)
    return {}
  }

  return { inputOf, otherSessionOf, identityOf }
}
