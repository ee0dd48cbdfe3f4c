import { type ASTNode, type DocumentNode, Kind, print, visit } from 'graphql'

/**
 * A document without what makes no difference to what is asked: blanks, comments, and the order of definitions, fields,
 * arguments, variables and directives. Code generation writes manifests in an order of its own. The order of a mutation's
 * own fields stays: they are carried out one after the other.
 */
export function normalFormOf(document: DocumentNode): string {
  const sorted = visit(document, {
    Document: { leave: (node) => ({ ...node, definitions: inOrder(node.definitions) }) },
    OperationDefinition: {
      leave: (node) => ({
        ...node,
        variableDefinitions: inOrder(node.variableDefinitions),
        directives: inOrder(node.directives),
      }),
    },
    SelectionSet: {
      leave: (node, _key, parent) =>
        isMutation(parent) ? undefined : { ...node, selections: inOrder(node.selections) },
    },
    Field: {
      leave: (node) => ({ ...node, arguments: inOrder(node.arguments), directives: inOrder(node.directives) }),
    },
    FragmentSpread: { leave: (node) => ({ ...node, directives: inOrder(node.directives) }) },
    InlineFragment: { leave: (node) => ({ ...node, directives: inOrder(node.directives) }) },
    Directive: { leave: (node) => ({ ...node, arguments: inOrder(node.arguments) }) },
    StringValue: { leave: (node) => ({ ...node, block: false }) },
  })
  return print(sorted)
}

const isMutation = (node: ASTNode | readonly ASTNode[] | undefined): boolean =>
  node !== undefined && 'kind' in node && node.kind === Kind.OPERATION_DEFINITION && node.operation === 'mutation'

function inOrder<Node extends ASTNode>(nodes: readonly Node[] | undefined): Node[] {
  return (nodes ?? [])
    .map((node) => ({ node, text: print(node) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ node }) => node)
}
