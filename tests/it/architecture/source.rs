//! What the rules need to know of one Rust file: the paths that it names, what it calls, and where it compares text.
//! `syn` parses the code; the bodies of macros, which it does not, are read as tokens.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, BinOp, Expr, ImplItem, Item, Lit, Pat, UseTree, Visibility};

/// A word of the code and where it stands.
#[derive(Clone, Debug)]
pub struct Found {
    pub line: usize,
    /// Under `#[cfg(test)]` or `#[test]`.
    pub is_test: bool,
    pub name: String,
}

/// How a path is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `use a::b;`
    Import,
    /// `pub use a::b;`
    Reexport,
    /// `a::b` in the code.
    Mention,
}

/// A path as it is written; groups of `use` are taken apart.
#[derive(Clone, Debug)]
pub struct RawPath {
    pub line: usize,
    pub is_test: bool,
    pub kind: Kind,
    /// The inline modules around it, below the file's own.
    pub scope: Vec<String>,
    pub segments: Vec<String>,
    /// What an import is called here; `*` if it takes everything.
    pub local: String,
}

/// All that is read of a file.
#[derive(Debug, Default)]
pub struct Facts {
    pub paths: Vec<RawPath>,
    /// Functions and methods that are called, and types and modules that they belong to.
    pub calls: Vec<Found>,
    pub macros: Vec<Found>,
    pub attributes: Vec<Found>,
    /// Comparisons of text with a literal that has a word in it.
    pub text_tests: Vec<Found>,
    /// Names that are defined, with the inline modules around them.
    pub items: BTreeSet<(Vec<String>, String)>,
    /// `mod name;`: the name, and whether only tests see it.
    pub declared: Vec<(String, bool)>,
    /// Inline modules.
    pub inline: Vec<Vec<String>>,
    /// Names that the code uses by themselves, outside tests, and where first.
    pub mentions: BTreeMap<String, usize>,
}

/// Reads a file; `Err` says where it is no Rust.
pub fn facts(text: &str) -> Result<Facts, String> {
    let file = syn::parse_file(text).map_err(|error| format!("{}: {error}", error.span().start().line))?;
    let mut reader = Reader { constants: constants(&file.items), ..Reader::default() };
    reader.visit_file(&file);
    Ok(reader.facts)
}

/// Methods whose argument, if it is a literal, says what is looked for in a text.
const TEXT_METHODS: &[&str] = &[
    "contains",
    "starts_with",
    "ends_with",
    "strip_prefix",
    "strip_suffix",
    "eq_ignore_ascii_case",
    "find",
    "split_once",
];

/// Constants of the file that are text, so that giving a literal a name hides nothing.
fn constants(items: &[Item]) -> BTreeMap<String, String> {
    let text = |item: &Item| match item {
        Item::Const(item) => Some((item.ident.to_string(), literal(&item.expr)?)),
        Item::Static(item) => Some((item.ident.to_string(), literal(&item.expr)?)),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(expr) => match &expr.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        Expr::Paren(expr) => literal(&expr.expr),
        Expr::Reference(expr) => literal(&expr.expr),
        _ => None,
    }
}

/// Two letters in a row. Marks and single letters (`"{"`, `"\r\n"`, `"-"`) are what parsers look for.
fn has_word(text: &str) -> bool {
    let letters: Vec<bool> = text.chars().map(char::is_alphabetic).collect();
    letters.windows(2).any(|pair| pair[0] && pair[1])
}

#[derive(Default)]
struct Reader {
    facts: Facts,
    constants: BTreeMap<String, String>,
    scope: Vec<String>,
    /// How many attributes around this place say that it is test code.
    n_tests: usize,
}

impl Reader {
    fn found(&self, span: Span, name: impl Into<String>) -> Found {
        Found { line: span.start().line, is_test: self.n_tests > 0, name: name.into() }
    }

    fn with_attributes(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let is_test = attributes.iter().any(is_test);
        self.n_tests += usize::from(is_test);
        visit(self);
        self.n_tests -= usize::from(is_test);
    }

    fn path(&mut self, kind: Kind, span: Span, segments: Vec<String>, local: String) {
        let Found { line, is_test, .. } = self.found(span, "");
        self.facts.paths.push(RawPath { line, is_test, kind, scope: self.scope.clone(), segments, local });
    }

    /// A path in the code: the modules and types in it count as called, too.
    fn mention(&mut self, span: Span, segments: Vec<String>) {
        if let [name] = segments.as_slice() {
            if self.n_tests == 0 {
                self.facts.mentions.entry(name.clone()).or_insert(span.start().line);
            }
            return;
        }
        for name in &segments[..segments.len() - 1] {
            self.facts.calls.push(self.found(span, name.clone()));
        }
        self.path(Kind::Mention, span, segments, String::new());
    }

    fn use_tree(&mut self, kind: Kind, prefix: &[String], tree: &UseTree) {
        let joined = |name: &dyn ToString| [prefix, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.use_tree(kind, &joined(&path.ident), &path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.use_tree(kind, prefix, tree)),
            UseTree::Glob(glob) => {
                self.path(kind, glob.star_token.span, prefix.to_vec(), "*".into());
            }
            UseTree::Rename(name) => {
                self.import(kind, name.ident.span(), joined(&name.ident), name.rename.to_string());
            }
            UseTree::Name(name) => {
                let path = joined(&name.ident);
                let local = path.iter().rev().find(|name| *name != "self").cloned().unwrap_or_default();
                self.import(kind, name.ident.span(), path, local);
            }
        }
    }

    /// `use x::{self, y}` names x itself.
    fn import(&mut self, kind: Kind, span: Span, mut segments: Vec<String>, local: String) {
        if segments.len() > 1 && segments.last().is_some_and(|name| name == "self") {
            segments.pop();
        }
        self.path(kind, span, segments, local);
    }

    fn text_test(&mut self, span: Span, text: &str, shown: String) {
        if has_word(text) {
            self.facts.text_tests.push(self.found(span, shown));
        }
    }

    /// The text of a literal, or of a constant of this file.
    fn text_of(&self, expr: &Expr) -> Option<String> {
        let constant =
            |path: &syn::ExprPath| self.constants.get(&path.path.get_ident()?.to_string()).cloned();
        literal(expr).or_else(|| match expr {
            Expr::Path(path) => constant(path),
            _ => None,
        })
    }

    /// The body of a macro: paths, calls and comparisons in it, by their tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens = flat(tokens);
        let text = |at: usize| tokens.get(at).map_or("", |(_, text)| text.as_str());
        let mut at = 0;
        while at < tokens.len() {
            let span = tokens[at].0;
            if !is_name(text(at)) {
                self.comparison(&tokens, at);
                at += 1;
                continue;
            }
            let mut segments = vec![text(at).to_owned()];
            let mut end = at + 1;
            while text(end) == ":" && text(end + 1) == ":" && is_name(text(end + 2)) {
                segments.push(text(end + 2).to_owned());
                end += 3;
            }
            let last = segments.last().cloned().unwrap_or_default();
            match text(end) {
                "!" => self.facts.macros.push(self.found(span, last)),
                "(" | ":" => {
                    let is_method = at > 0 && text(at - 1) == ".";
                    if is_method && TEXT_METHODS.contains(&last.as_str()) && text(end + 1).starts_with('"') {
                        let shown = format!(".{last}({})", text(end + 1));
                        self.text_test(span, text(end + 1), shown);
                    }
                    self.facts.calls.push(self.found(span, last));
                }
                _ => {}
            }
            self.mention(span, segments);
            at = end;
        }
    }

    /// `== "text"` and `!= "text"` at this token of a macro.
    fn comparison(&mut self, tokens: &[(Span, String)], at: usize) {
        let text = |at: usize| tokens.get(at).map_or("", |(_, text)| text.as_str());
        if matches!(text(at), "=" | "!") && text(at + 1) == "=" && text(at + 2).starts_with('"') {
            let shown = format!("{}= {}", text(at), text(at + 2));
            self.text_test(tokens[at].0, text(at + 2), shown);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Some(name) = name_of(item) {
            self.facts.items.insert((self.scope.clone(), name));
        }
        self.with_attributes(attributes_of(item), |reader| visit::visit_item(reader, item));
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Fn(item) => item.attrs.as_slice(),
            ImplItem::Const(item) => item.attrs.as_slice(),
            _ => &[],
        };
        self.with_attributes(attributes, |reader| visit::visit_impl_item(reader, item));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        if item.content.is_none() {
            self.facts.declared.push((name, self.n_tests > 0));
            visit::visit_item_mod(self, item);
            return;
        }
        self.scope.push(name);
        self.facts.inline.push(self.scope.clone());
        visit::visit_item_mod(self, item);
        self.scope.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let kind = if matches!(item.vis, Visibility::Inherited) { Kind::Import } else { Kind::Reexport };
        self.use_tree(kind, &[], &item.tree);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let name = attribute.path().segments.last().map(|segment| segment.ident.to_string());
        self.facts.attributes.push(self.found(attribute.pound_token.span, name.unwrap_or_default()));
    }

    /// `pub(in a::b)` names nothing that is used.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(first) = path.segments.first() {
            self.mention(first.ident.span(), segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(path) = &*call.func
            && let Some(last) = path.path.segments.last()
        {
            self.facts.calls.push(self.found(last.ident.span(), last.ident.to_string()));
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        if TEXT_METHODS.contains(&name.as_str())
            && let Some(text) = call.args.first().and_then(|argument| self.text_of(argument))
        {
            self.text_test(call.method.span(), &text, format!(".{name}({text:?})"));
        }
        self.facts.calls.push(self.found(call.method.span(), name));
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let (operator, span) = match &binary.op {
            BinOp::Eq(token) => ("==", token.spans[0]),
            BinOp::Ne(token) => ("!=", token.spans[0]),
            _ => return visit::visit_expr_binary(self, binary),
        };
        if let Some(text) = self.text_of(&binary.left).or_else(|| self.text_of(&binary.right)) {
            self.text_test(span, &text, format!("{operator} {text:?}"));
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let Some(last) = call.path.segments.last() else { return };
        let (span, name) = (last.ident.span(), last.ident.to_string());
        if name == "matches" {
            let literals = flat(call.tokens.clone()).into_iter().filter(|(_, text)| text.starts_with('"'));
            for (span, text) in literals {
                self.text_test(span, &text, format!("matches!({text})"));
            }
        }
        self.facts.macros.push(self.found(span, name));
        visit::visit_path(self, &call.path);
        self.tokens(call.tokens.clone());
    }

    /// `if let "text" = x`; the arms of a `match`, which is how a name is parsed, do not come through here.
    fn visit_expr_let(&mut self, condition: &'ast syn::ExprLet) {
        if let Pat::Lit(pattern) = &*condition.pat
            && let Lit::Str(text) = &pattern.lit
        {
            self.text_test(text.span(), &text.value(), format!("if let {:?}", text.value()));
        }
        visit::visit_expr_let(self, condition);
    }
}

/// Names, literals and single marks, in order; groups opened and closed.
fn flat(tokens: TokenStream) -> Vec<(Span, String)> {
    let mut found = Vec::new();
    for token in tokens {
        let span = token.span();
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    proc_macro2::Delimiter::Parenthesis => ("(", ")"),
                    proc_macro2::Delimiter::Brace => ("{", "}"),
                    proc_macro2::Delimiter::Bracket => ("[", "]"),
                    proc_macro2::Delimiter::None => ("", ""),
                };
                found.push((span, open.to_owned()));
                found.extend(flat(group.stream()));
                found.push((group.span_close(), close.to_owned()));
            }
            other => found.push((span, other.to_string())),
        }
    }
    found
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// `#[test]`, `#[cfg(test)]` and what contains it, but not `#[cfg(not(test))]`.
fn is_test(attribute: &Attribute) -> bool {
    let Some(name) = attribute.path().segments.last() else { return false };
    match name.ident.to_string().as_str() {
        "test" | "wasm_bindgen_test" => true,
        "cfg" => attribute.meta.require_list().is_ok_and(|list| names_test(list.tokens.clone())),
        _ => false,
    }
}

fn names_test(tokens: TokenStream) -> bool {
    let mut after_not = false;
    for token in tokens {
        match token {
            TokenTree::Ident(name) if name == "test" => return true,
            TokenTree::Ident(name) => after_not = name == "not",
            TokenTree::Group(group) => {
                if !after_not && names_test(group.stream()) {
                    return true;
                }
                after_not = false;
            }
            _ => after_not = false,
        }
    }
    false
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        _ => return None,
    };
    Some(name.to_string())
}
