//! Which target refers to which, for each architecture: the graph that must have
//! no cycle, and the order in which targets are planned.

use crate::codes;
use lambuild_lang::Evaluation;
use lambuild_lang::diagnostic::Diagnostic;
use lambuild_lang::source::Span;
use lambuild_lang::value::{Arch, Attrs, Data, Piece, Product, TargetId, Value};
use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use rustc_hash::FxHashMap;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// A target for one architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Configured {
    /// The target.
    pub target: TargetId,
    /// What it is built for.
    pub arch: Arch,
}

/// What is to be built and all that it refers to. An edge goes from who refers to
/// what is referred to and carries the place of the reference.
#[derive(Debug, Default)]
pub struct TargetGraph {
    graph: DiGraph<Configured, Span>,
    index: FxHashMap<Configured, NodeIndex>,
    products: FxHashMap<Configured, Arc<Product>>,
    attached: BTreeSet<(TargetId, TargetId)>,
}

impl TargetGraph {
    /// Evaluates `wanted` and everything that it refers to.
    ///
    /// # Errors
    /// Everything that evaluation finds wrong, and each cycle as the path through it.
    pub fn new(evaluation: &mut Evaluation<'_>, wanted: &[Configured]) -> Result<Self, Vec<Diagnostic>> {
        let mut made = TargetGraph::default();
        let mut wrong = Vec::new();
        let mut waiting: VecDeque<Configured> = wanted.iter().copied().collect();
        for configured in wanted {
            made.node(*configured);
        }
        while let Some(configured) = waiting.pop_front() {
            match evaluation.build(configured.target, configured.arch) {
                Ok(None) => {}
                Ok(Some(product)) => {
                    for Reference { referred, span, tool } in references(&product, configured.arch) {
                        let is_new = !made.index.contains_key(&referred);
                        let (from, to) = (made.node(configured), made.node(referred));
                        made.graph.update_edge(from, to, span);
                        if is_new {
                            // What a tool needs is for the platform that runs it, like the tool.
                            let free = tool || !is_for(evaluation, configured);
                            wrong.extend(not_for(evaluation, referred, span).filter(|_| !free));
                            waiting.push_back(referred);
                        }
                    }
                    made.products.insert(configured, product);
                }
                // The same mistake for another architecture says nothing new.
                Err(found) => {
                    let new = found.into_iter().filter(|made| !wrong.contains(made));
                    let new: Vec<Diagnostic> = new.collect();
                    wrong.extend(new);
                }
            }
        }
        wrong.extend(made.cycles(evaluation));
        if wrong.is_empty() { Ok(made) } else { Err(wrong) }
    }

    fn node(&mut self, configured: Configured) -> NodeIndex {
        *self
            .index
            .entry(configured)
            .or_insert_with(|| self.graph.add_node(configured))
    }

    /// What builds a target; `None` for a layer that is given by its ARN.
    pub fn product(&self, configured: Configured) -> Option<&Arc<Product>> {
        self.products.get(&configured)
    }

    /// Every target so that it comes after all that it refers to.
    pub fn in_order(&self) -> Vec<Configured> {
        // `new` has refused cycles, so a sort exists.
        let sorted = toposort(&self.graph, None).unwrap_or_default();
        sorted.into_iter().rev().map(|node| self.graph[node]).collect()
    }

    /// Every reference: who, to what. In the order of finding.
    pub fn edges(&self) -> impl Iterator<Item = (Configured, Configured)> {
        self.graph
            .edge_references()
            .map(|edge| (self.graph[edge.source()], self.graph[edge.target()]))
    }

    /// Notes that a function is deployed with a layer: no edge of the build, but one that people look for.
    pub fn attach(&mut self, function: TargetId, layer: TargetId) {
        self.attached.insert((function, layer));
    }

    /// Every function with the layers that were noted for it, sorted.
    pub fn attached(&self) -> impl Iterator<Item = (TargetId, TargetId)> {
        self.attached.iter().copied()
    }

    /// One diagnostic for each group of targets that depend on themselves.
    fn cycles(&self, evaluation: &Evaluation<'_>) -> Vec<Diagnostic> {
        let mut found: Vec<Diagnostic> = Vec::new();
        for group in tarjan_scc(&self.graph) {
            let start = group.iter().copied().min_by_key(|node| self.graph[*node]);
            let path = start.and_then(|start| self.path_back(start, &group));
            if let Some(path) = path.filter(|path| !path.is_empty()) {
                let made = self.cycle(&path, evaluation);
                // The same circle for another architecture says nothing new.
                if !found.iter().any(|known| known.labels == made.labels) {
                    found.push(made);
                }
            }
        }
        found
    }

    /// The shortest way from a node back to itself inside its group: the edges' ends and places.
    fn path_back(&self, start: NodeIndex, group: &[NodeIndex]) -> Option<Vec<(NodeIndex, Span)>> {
        let mut came_from: FxHashMap<NodeIndex, (NodeIndex, Span)> = FxHashMap::default();
        let mut waiting = VecDeque::from([start]);
        while let Some(node) = waiting.pop_front() {
            let mut edges: Vec<_> = self
                .graph
                .edges(node)
                .filter(|edge| group.contains(&edge.target()))
                .collect();
            edges.sort_by_key(|edge| *edge.weight());
            for edge in edges {
                if came_from.contains_key(&edge.target()) {
                    continue;
                }
                came_from.insert(edge.target(), (node, *edge.weight()));
                if edge.target() == start {
                    return Some(unwind(start, &came_from));
                }
                waiting.push_back(edge.target());
            }
        }
        None
    }

    fn cycle(&self, path: &[(NodeIndex, Span)], evaluation: &Evaluation<'_>) -> Diagnostic {
        let name = |node: NodeIndex| {
            let target = evaluation.target(self.graph[node].target);
            format!("{} {}", target.kind.word(), target.address())
        };
        let hop = |at: usize| {
            let (from, _) = path[at];
            let (to, _) = path[(at + 1) % path.len()];
            format!("{} needs {}", name(from), name(to))
        };
        let first = path[0];
        let message = if path.len() == 1 {
            format!("{} depends on itself", name(first.0))
        } else {
            let mut names: Vec<String> = path.iter().map(|(node, _)| name(*node)).collect();
            names.push(name(first.0));
            format!("targets depend on each other in a circle: {}", names.join(" → "))
        };
        let mut made = Diagnostic::error(codes::CYCLE, message, first.1, hop(0));
        for (at, (_, span)) in path.iter().enumerate().skip(1) {
            made = made.label(*span, hop(at));
        }
        made.help("move what both sides need into a target of its own")
    }
}

/// The way to `start`, in walking order: each node with the place of its reference to the next.
fn unwind(start: NodeIndex, came_from: &FxHashMap<NodeIndex, (NodeIndex, Span)>) -> Vec<(NodeIndex, Span)> {
    let mut path = Vec::new();
    let mut node = start;
    while let Some((before, span)) = came_from.get(&node) {
        path.push((*before, *span));
        node = *before;
        if node == start {
            break;
        }
    }
    path.reverse();
    path
}

/// Whether a target is built for this architecture when nobody needs it as a tool.
fn is_for(evaluation: &Evaluation<'_>, configured: Configured) -> bool {
    let target = evaluation.target(configured.target);
    target.architectures.contains(&configured.arch)
}

fn not_for(evaluation: &Evaluation<'_>, referred: Configured, span: Span) -> Option<Diagnostic> {
    if is_for(evaluation, referred) {
        return None;
    }
    let target = evaluation.target(referred.target);
    let address = target.address();
    let message = format!(
        "{} {address} is not built for {}",
        target.kind.word(),
        referred.arch
    );
    let label = format!("needed for {} here", referred.arch);
    Some(
        Diagnostic::error(codes::NOT_FOR_ARCH, message, span, label)
            .label(target.span, "declared here")
            .help(format!(
                "add \"{}\" to the `architectures` of {address}",
                referred.arch
            )),
    )
}

/// Every reference in a product's attributes, nested products included, in the order of
/// writing; each for the architecture of the product, unless an `at` around it names one.
fn references(product: &Product, arch: Arch) -> Vec<Reference> {
    let mut found = Vec::new();
    in_attrs(&product.attrs, arch, &mut found);
    found
}

/// One reference of a product.
struct Reference {
    referred: Configured,
    span: Span,
    /// Whether it is run while something is built: then it is built for the platform
    /// that runs it, whatever its own architectures are.
    tool: bool,
}

fn in_attrs(attrs: &Attrs, arch: Arch, found: &mut Vec<Reference>) {
    for (_, attr) in attrs.iter() {
        in_value(&attr.value, arch, found);
    }
}

fn in_value(value: &Value, arch: Arch, found: &mut Vec<Reference>) {
    match &value.data {
        Data::Reference(target) => {
            let target = *target;
            found.push(Reference {
                referred: Configured { target, arch },
                span: value.span,
                tool: false,
            });
        }
        Data::List(items) => items.iter().for_each(|item| in_value(item, arch, found)),
        Data::Set(attrs) => in_attrs(attrs, arch, found),
        Data::Product(product) => in_attrs(&product.attrs, arch, found),
        Data::Part(part) => in_value(&part.of, arch, found),
        Data::At(at) => {
            let before = found.len();
            in_value(&at.of, at.arch, found);
            for reference in found.iter_mut().skip(before) {
                reference.tool |= at.tool;
            }
        }
        Data::Template(pieces) => pieces.iter().for_each(|piece| {
            if let Piece::Content(content) = piece {
                in_value(content, arch, found);
            }
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
