/** Asks a server over HTTP, as any client does; throws what it answers instead of data. */
export async function ask<Data>(server: { url: string }, key: string, query: string, variables = {}): Promise<Data> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  })
  const answer = (await response.json()) as { data?: Data; errors?: readonly { message: string }[] }
  if (answer.data == null || answer.errors !== undefined) throw new Error(JSON.stringify(answer))
  return answer.data
}

export interface ApprovalNode {
  readonly id: string
  readonly status: string
  readonly run: { readonly id: string }
}

export const listApprovals = async (server: { url: string }, key: string): Promise<readonly ApprovalNode[]> =>
  (
    await ask<{ approvals: { nodes: ApprovalNode[] } }>(
      server,
      key,
      '{ approvals(first: 100) { nodes { id status run { id } } } }',
    )
  ).approvals.nodes

/** Decides an approval; returns the status it has then. */
export async function decide(
  server: { url: string },
  key: string,
  id: string,
  decision: 'APPROVE' | 'REJECT',
): Promise<string | undefined> {
  const { decideApproval } = await ask<{ decideApproval: { approval?: { status: string } } }>(
    server,
    key,
    `mutation Decide($input: DecideApprovalInput!) {
      decideApproval(input: $input) { ... on DecideApprovalPayload { approval { status } } }
    }`,
    { input: { id, decision } },
  )
  return decideApproval.approval?.status
}
