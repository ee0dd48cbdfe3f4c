import { NODE_OF_ACTOR, type StoredActor } from '../auth/viewer.ts'
import { encodeId } from '../lib/ids.ts'
import { builder } from './builder.ts'
import { describeEnum } from './enum.ts'
import { useActorKind } from './filter.ts'
import { loadNode } from './node.ts'

export const ActorKind = describeEnum<StoredActor['kind']>('ActorKind', 'What somebody is.', {
  MEMBER: 'A person of the workspace.',
  EMPLOYEE: 'An AI employee.',
  API_KEY: 'A program with a key.',
  VISITOR: 'Somebody without a credential, e.g. who filled in a form.',
  SYSTEM: 'The server by itself.',
})

useActorKind(ActorKind as never)

/** What somebody is whose record is of this kind; undefined when it is nobody's. */
export const kindOfActorNode = (nodeKind: string): StoredActor['kind'] | undefined =>
  (Object.keys(NODE_OF_ACTOR) as StoredActor['kind'][]).find((kind) => NODE_OF_ACTOR[kind] === nodeKind)

/** Who did or owns something. Resolvers hand over the stored actor; `ownerOf` makes one of a row's owner columns. */
export const Actor = builder.objectRef<StoredActor>('Actor').implement({
  description:
    'Who did or owns something: one plain type, so that a feed or a card needs no fragments. ' +
    '`node` leads to the full record.',
  fields: (t) => ({
    kind: t.expose('kind', { type: ActorKind, description: 'What they are.' }),
    name: t.string({
      description: 'What they are called today.',
      resolve: (actor, _args, ctx) => ctx.names.actor(actor),
    }),
    nodeId: t.id({
      nullable: true,
      description: 'The id of the full record; none for visitors and the system.',
      resolve: (actor) => nodeIdOf(actor),
    }),
    node: t.field({
      type: builder.nodeInterfaceRef(),
      nullable: true,
      description: 'The full record.',
      resolve: ({ kind, id }, _args, ctx, info) => {
        const nodeKind = NODE_OF_ACTOR[kind]
        return nodeKind === undefined || id === undefined ? null : loadNode({ kind: nodeKind, id }, ctx, info)
      },
    }),
  }),
})

const nodeIdOf = ({ kind, id }: StoredActor): string | null => {
  const nodeKind = NODE_OF_ACTOR[kind]
  return nodeKind === undefined || id === undefined ? null : encodeId(nodeKind, id)
}

/** The owner of a row that has a column for an employee and one for a member; null when neither is set. */
export function ownerOf(row: {
  readonly ownerEmployeeId: string | null
  readonly ownerMemberId: string | null
}): StoredActor | null {
  if (row.ownerEmployeeId !== null) return { kind: 'EMPLOYEE', id: row.ownerEmployeeId }
  return row.ownerMemberId === null ? null : { kind: 'MEMBER', id: row.ownerMemberId }
}
