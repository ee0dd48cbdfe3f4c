import type { Agent } from 'node:http'
import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Tenant } from './world.ts'

export interface Asked {
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
  /** What stands in an answer that is right. */
  readonly holds: string
}

const LIST = `query ($filter: DealFilter) { deals(first: 20, filter: $filter, orderBy: [{ field: CREATED, direction: DESC }]) {
  nodes { id name amount { value currency } stage { name } contact { id name email } } } }`
const NODE = `query ($id: ID!) { node(id: $id) { id ... on Deal { name version stage { name } contact { name companyName } } } }`
const CHANGE = `mutation ($input: UpdateDealInput!) { updateDeal(input: $input) { __typename
  ... on UpdateDealPayload { deal { id nextStep version } } ... on UserError { code message } } }`

const at = <Item>(items: readonly Item[], random: () => number): Item =>
  items[Math.floor(random() * items.length)] as Item

/** What a screen asks for: five lists with a filter, three look-ups by id, and two changes of ten. */
export function nextRequest({ deals }: Tenant, random: () => number): Asked {
  const id = at(deals, random)
  const kind = random()
  if (kind < 0.5) {
    const filter = { stage: { kind: { eq: 'OPEN' } }, createdAt: { gt: '2026-06-20' } }
    return { query: LIST, variables: { filter }, holds: '"email":"c' }
  }
  if (kind < 0.8) return { query: NODE, variables: { id }, holds: id }
  const nextStep = `Call them ${Math.floor(random() * 1e9)}`
  // Not the step itself: somebody else may have changed the same deal since.
  return { query: CHANGE, variables: { input: { id, nextStep } }, holds: `"UpdateDealPayload","deal":{"id":"${id}"` }
}

/** One request over HTTP; throws when the answer is not the right one. */
export async function ask(
  url: string,
  agent: Agent,
  { key }: Tenant,
  { query, variables, holds }: Asked,
): Promise<void> {
  const body = JSON.stringify({ query, variables })
  const answer = await new Promise<string>((resolve, reject) => {
    const request = httpRequest(`${url}/graphql`, {
      method: 'POST',
      agent,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        authorization: `Bearer ${key}`,
      },
    })
    request.on('response', (response) => text(response).then(resolve, reject))
    request.on('error', reject)
    request.end(body)
  })
  if (!answer.includes(holds) || answer.includes('"errors"')) throw new Error(`not the right answer: ${answer}`)
}
