/** Threads (RFC 5256 3): by subject, and by references. Pure. */
import { headerText } from "./decode.js";
import { fieldOf } from "./fields.js";
import type { Numbered } from "./picked.js";
import { baseSubject, sentDate } from "./sort.js";

type Show = (each: Numbered) => number;

/** A place in a thread; without a message where only others refer to it. */
interface Node {
  message: Numbered | undefined;
  parent: Node | undefined;
  children: Node[];
}

/** Gives the threads as they are written. */
export const ALGORITHMS: Readonly<Record<string, (found: readonly Numbered[], show: Show) => string>> = {
  ORDEREDSUBJECT: orderedSubject,
  REFERENCES: references,
};

function byDate(a: Numbered, b: Numbered): number {
  return sentDate(a.message) - sentDate(b.message) || a.number - b.number;
}

function subjectOf({ message }: Numbered): { text: string; reply: boolean } {
  return baseSubject(headerText(message.content.part, "subject"));
}

/** All of a subject are children of the first. */
function orderedSubject(found: readonly Numbered[], show: Show): string {
  const groups = new Map<string, Numbered[]>();
  for (const each of [...found].sort(byDate)) {
    const { text } = subjectOf(each);
    groups.set(text, [...(groups.get(text) ?? []), each]);
  }
  const threads = [...groups.values()].map(([first, ...rest]) => {
    const root: Node = { message: first, parent: undefined, children: [] };
    root.children = rest.map((message) => ({ message, parent: root, children: [] }));
    return root;
  });
  return threads.map((root) => `(${written(root, show)})`).join("");
}

function references(found: readonly Numbered[], show: Show): string {
  const roots = pruned(linked(found));
  return sorted(gathered(roots))
    .map((root) => `(${written(root, show)})`)
    .join("");
}

/** Steps 1 and 2: every id that is named has a place, below the one it refers to. */
function linked(found: readonly Numbered[]): Node[] {
  const nodes = new Map<string, Node>();
  const nodeOf = (id: string) => {
    const node: Node = nodes.get(id) ?? { message: undefined, parent: undefined, children: [] };
    nodes.set(id, node);
    return node;
  };
  for (const each of found) {
    const { fields } = each.message.content.part;
    const own = idsOf(fieldOf(fields, "message-id"))[0];
    // A message without an id, or with one that another has, is a place of its own.
    const taken = own === undefined || nodes.get(own)?.message !== undefined;
    const node = nodeOf(taken ? `#${each.number}` : own);
    node.message = each;
    const named = idsOf(fieldOf(fields, "references"));
    const ids = named.length > 0 ? named : idsOf(fieldOf(fields, "in-reply-to")).slice(0, 1);
    let parent: Node | undefined;
    for (const id of ids) {
      const next = nodeOf(id);
      if (parent && !next.parent) adopt(parent, next);
      parent = next;
    }
    if (node.parent) leave(node);
    if (parent) adopt(parent, node);
  }
  return [...nodes.values()].filter(({ parent }) => !parent);
}

function idsOf(value: string | undefined): string[] {
  return [...(value ?? "").matchAll(/<([^<>\s]+)>/g)].map(([, id = ""]) => id);
}

/** Puts a node below another, unless that would make a circle. */
function adopt(parent: Node, child: Node): void {
  for (let above: Node | undefined = parent; above; above = above.parent) if (above === child) return;
  child.parent = parent;
  parent.children.push(child);
}

function leave(node: Node): void {
  const parent = node.parent as Node;
  parent.children = parent.children.filter((child) => child !== node);
  node.parent = undefined;
}

/** Step 3: places without a message go, their children move up; at the top only where there is one child. */
function pruned(roots: readonly Node[]): Node[] {
  const below = (node: Node): Node[] => {
    node.children = node.children.flatMap(below);
    return node.message ? [node] : node.children;
  };
  return roots.flatMap((root) => {
    const kept = below(root);
    return root.message || kept.length < 2 ? kept : [root];
  });
}

/** Steps 4 and 5: threads of one subject become one thread. */
function gathered(roots: readonly Node[]): Node[] {
  const bySubject = new Map<string, Node>();
  const headOf = (root: Node) => root.message ?? ((sorted(root.children)[0] as Node).message as Numbered);
  for (const root of sorted(roots)) {
    const { text, reply } = subjectOf(headOf(root));
    const other = bySubject.get(text);
    const better = other && ((!root.message && other.message) || (subjectOf(headOf(other)).reply && !reply));
    if (text !== "" && (!other || better)) bySubject.set(text, root);
  }
  return sorted(roots).flatMap((root) => {
    const { text, reply } = subjectOf(headOf(root));
    const other = bySubject.get(text);
    if (!other || other === root) return [root];
    if (!root.message && !other.message) other.children.push(...root.children);
    else if (!other.message || (reply && !subjectOf(headOf(other)).reply)) other.children.push(root);
    else {
      const old: Node = { message: other.message, parent: other, children: other.children };
      other.message = undefined;
      other.children = [old, root];
    }
    return [];
  });
}

/** Step 6: children by date. */
function sorted(nodes: readonly Node[]): Node[] {
  for (const node of nodes) node.children = sorted(node.children);
  const head = (node: Node) => node.message ?? (node.children[0] as Node).message;
  return [...nodes].sort((a, b) => byDate(head(a) as Numbered, head(b) as Numbered));
}

/** `1 2 (3 4)(5)`: one child follows its parent, several are each in parentheses. */
function written(node: Node, show: Show): string {
  const own = node.message ? [`${show(node.message)}`] : [];
  const [only] = node.children;
  if (node.children.length === 1 && only) return [...own, written(only, show)].join(" ");
  const branches = node.children.map((child) => `(${written(child, show)})`).join("");
  return [...own, ...(branches === "" ? [] : [branches])].join(" ");
}
