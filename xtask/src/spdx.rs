//! Licence expressions (SPDX 2.1, with the old "/" for OR that crates still use) and whether a list allows them.

/// Whether one choice of the expression is wholly in `allowed`. An expression that cannot be parsed is not allowed.
pub fn allows(expression: &str, allowed: &[String]) -> bool {
    let tokens = tokens(expression);
    let mut parser = Parser { tokens: &tokens, at: 0, allowed };
    let ok = parser.any_of();
    ok == Some(true) && parser.at == tokens.len()
}

fn tokens(expression: &str) -> Vec<String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// Recursive descent; OR binds weaker than AND, and `WITH` belongs to the name before it.
struct Parser<'a> {
    tokens: &'a [String],
    at: usize,
    allowed: &'a [String],
}

impl Parser<'_> {
    fn any_of(&mut self) -> Option<bool> {
        let mut ok = self.all_of()?;
        while self.accept("OR") {
            ok |= self.all_of()?;
        }
        Some(ok)
    }

    fn all_of(&mut self) -> Option<bool> {
        let mut ok = self.one()?;
        while self.accept("AND") {
            ok &= self.one()?;
        }
        Some(ok)
    }

    fn one(&mut self) -> Option<bool> {
        if self.accept("(") {
            let ok = self.any_of()?;
            return self.accept(")").then_some(ok);
        }
        let mut name = self.next()?.to_owned();
        if matches!(name.as_str(), "AND" | "OR" | "WITH" | ")") {
            return None;
        }
        if self.accept("WITH") {
            name = format!("{name} WITH {}", self.next()?);
        }
        Some(self.allowed.contains(&name))
    }

    fn next(&mut self) -> Option<&str> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    fn accept(&mut self, word: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| token == word);
        self.at += usize::from(found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::allows;

    #[test]
    fn expressions_are_judged_by_their_best_choice() {
        let allowed =
            ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"].map(String::from);
        let cases = [
            ("MIT", true),
            ("MIT OR GPL-3.0", true),
            ("GPL-3.0 / MIT", true),
            ("MIT AND GPL-3.0", false),
            ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
            ("MIT OR GPL-3.0 AND Unicode-3.0", true),
            ("GPL-3.0 OR Unicode-3.0 AND Zlib", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT WITH LLVM-exception", false),
            ("GPL-3.0", false),
            ("", false),
            ("MIT MIT", false),
            ("(MIT", false),
            ("OR MIT", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(allows(expression, &allowed), expected, "`{expression}`");
        }
    }
}
