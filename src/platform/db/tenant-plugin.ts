import {
  AliasNode,
  AndNode,
  BinaryOperationNode,
  ColumnNode,
  type DeleteQueryNode,
  IdentifierNode,
  type JoinNode,
  type KyselyPlugin,
  OnNode,
  type OperationNode,
  OperationNodeTransformer,
  OperatorNode,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type QueryId,
  ReferenceNode,
  type SelectQueryNode,
  TableNode,
  type UpdateQueryNode,
  ValueNode,
  WhereNode,
} from 'kysely'
import { TABLES_WITHOUT_TENANT } from './tables.ts'

class TenantTransformer extends OperationNodeTransformer {
  readonly #workspaceId: string

  constructor(workspaceId: string) {
    super()
    this.#workspaceId = workspaceId
  }

  protected override transformSelectQuery(node: SelectQueryNode, queryId?: QueryId): SelectQueryNode {
    const inner = super.transformSelectQuery(node, queryId)
    return this.#constrain(inner, inner.from?.froms ?? [])
  }

  protected override transformUpdateQuery(node: UpdateQueryNode, queryId?: QueryId): UpdateQueryNode {
    const inner = super.transformUpdateQuery(node, queryId)
    return this.#constrain(inner, inner.table === undefined ? [] : [inner.table])
  }

  protected override transformDeleteQuery(node: DeleteQueryNode, queryId?: QueryId): DeleteQueryNode {
    const inner = super.transformDeleteQuery(node, queryId)
    return this.#constrain(inner, inner.from.froms)
  }

  // In a join the predicate belongs to ON: in WHERE it would make an inner join of a left one.
  protected override transformJoin(node: JoinNode, queryId?: QueryId): JoinNode {
    const inner = super.transformJoin(node, queryId)
    const predicate = this.#predicate(inner.table)
    if (predicate === undefined) return inner
    return {
      ...inner,
      // A cross join has no ON; with one it is called an inner join.
      joinType: inner.joinType === 'CrossJoin' ? 'InnerJoin' : inner.joinType,
      on: inner.on === undefined ? OnNode.create(predicate) : OnNode.create(AndNode.create(inner.on.on, predicate)),
    }
  }

  #constrain<Node extends { readonly where?: WhereNode }>(node: Node, sources: readonly OperationNode[]): Node {
    let where = node.where
    for (const source of sources) {
      const predicate = this.#predicate(source)
      if (predicate === undefined) continue
      where = where === undefined ? WhereNode.create(predicate) : WhereNode.cloneWithOperation(where, 'And', predicate)
    }
    return where === undefined ? node : { ...node, where }
  }

  #predicate(source: OperationNode): OperationNode | undefined {
    const table = AliasNode.is(source) ? source.node : source
    if (!TableNode.is(table)) return undefined
    // Only our own tables by their bare names: a CTE's rows were constrained where it was made.
    const name = table.table.identifier.name
    if (table.table.schema !== undefined || !isTable(name)) return undefined
    const alias = AliasNode.is(source) && IdentifierNode.is(source.alias) ? source.alias.name : name
    return BinaryOperationNode.create(
      ReferenceNode.create(ColumnNode.create(name === 'workspace' ? 'id' : 'workspaceId'), TableNode.create(alias)),
      OperatorNode.create('='),
      ValueNode.create(this.#workspaceId),
    )
  }
}

const isTable = (name: string): boolean => name === 'workspace' || !TABLES_WITHOUT_TENANT.has(name)

/**
 * Adds `workspace_id = …` to every table of every SELECT, UPDATE and DELETE, in sub-queries and joins too. It stands
 * beside row-level security, not instead of it: either one alone keeps tenants apart. Common table expressions are not
 * used with this plugin: their names would be taken for tables.
 */
export class TenantPlugin implements KyselyPlugin {
  readonly #transformer: TenantTransformer

  constructor(workspaceId: string) {
    this.#transformer = new TenantTransformer(workspaceId)
  }

  transformQuery({ node, queryId }: PluginTransformQueryArgs) {
    return this.#transformer.transformNode(node, queryId)
  }

  async transformResult({ result }: PluginTransformResultArgs) {
    return result
  }
}
