//! Tokens into a tree, by descent: `or` binds least, then `and`, then `not`, parentheses and brackets.

use super::super::path::AttributePath;
use super::lexer::{Token, tokens};
use super::{DEEPEST, Filter, FilterError, LONGEST, Literal, MOST_TERMS, Operator};

pub(super) fn parse(text: &str) -> Result<Filter, FilterError> {
    if text.len() > LONGEST {
        return Err(FilterError::TooLong);
    }
    let end = text.chars().count() + 1;
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable(), end, terms: 0 };
    let filter = parser.any(0)?;
    match parser.tokens.peek() {
        None => Ok(filter),
        Some((at, _)) => Err(FilterError::Expected { at: *at, expected: "and, or, or the end" }),
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<(usize, Token)>>,
    /// The place after the last character.
    end: usize,
    terms: usize,
}

impl Parser {
    fn expected<T>(&mut self, expected: &'static str) -> Result<T, FilterError> {
        Err(FilterError::Expected { at: self.tokens.peek().map_or(self.end, |(at, _)| *at), expected })
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        let is_it = |token: &(usize, Token)| matches!(&token.1, Token::Word(word) if word.eq_ignore_ascii_case(wanted));
        self.tokens.next_if(is_it).is_some()
    }

    fn takes(&mut self, wanted: &Token) -> bool {
        self.tokens.next_if(|(_, token)| token == wanted).is_some()
    }

    fn any(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut terms = vec![self.all(depth)?];
        while self.takes_word("or") {
            terms.push(self.all(depth)?);
        }
        Ok(one_or(terms, Filter::Or))
    }

    fn all(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut terms = vec![self.term(depth)?];
        while self.takes_word("and") {
            terms.push(self.term(depth)?);
        }
        Ok(one_or(terms, Filter::And))
    }

    fn inside(&mut self, depth: usize, close: &Token, expected: &'static str) -> Result<Filter, FilterError> {
        if depth >= DEEPEST {
            return Err(FilterError::TooDeep);
        }
        let inner = self.any(depth + 1)?;
        if self.takes(close) { Ok(inner) } else { self.expected(expected) }
    }

    fn term(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if self.takes(&Token::Open) {
            return self.inside(depth, &Token::Close, "a closing parenthesis");
        }
        let Some((at, Token::Word(word))) = self.tokens.next_if(|(_, token)| matches!(token, Token::Word(_))) else {
            return self.expected("an attribute, not, or an opening parenthesis");
        };
        if word.eq_ignore_ascii_case("not") && self.takes(&Token::Open) {
            return Ok(Filter::Not(Box::new(self.inside(depth, &Token::Close, "a closing parenthesis")?)));
        }
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(FilterError::TooManyTerms);
        }
        let expected = FilterError::Expected { at, expected: "an attribute" };
        let path = AttributePath::parse(&word).map_err(|_| expected)?;
        if self.takes(&Token::OpenBracket) {
            let inner = self.inside(depth, &Token::CloseBracket, "a closing bracket")?;
            let inner = match self.part_of_element()? {
                Some(part) => all_of(inner, self.comparison(part)?),
                None => inner,
            };
            return Ok(Filter::Within(path, Box::new(inner)));
        }
        self.comparison(path)
    }

    /// `.value` after a closing bracket. RFC 7644 has this in the paths of PATCH only; Entra ID filters by it too. The
    /// comparison that follows is about the same element.
    fn part_of_element(&mut self) -> Result<Option<AttributePath>, FilterError> {
        let is_part = |token: &(usize, Token)| matches!(&token.1, Token::Word(word) if word.starts_with('.'));
        let Some((at, Token::Word(word))) = self.tokens.next_if(is_part) else { return Ok(None) };
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(FilterError::TooManyTerms);
        }
        let name = word.strip_prefix('.').unwrap_or(&word);
        let expected = FilterError::Expected { at, expected: "a sub-attribute after the bracket, such as .value" };
        AttributePath::parse(name).map(Some).map_err(|_| expected)
    }

    /// The condition on an attribute: that it is present, or how it compares.
    fn comparison(&mut self, path: AttributePath) -> Result<Filter, FilterError> {
        if self.takes_word("pr") {
            return Ok(Filter::Present(path));
        }
        let operator = Operator::ALL.into_iter().find(|operator| self.takes_word(operator.as_str()));
        let Some(operator) = operator else { return self.expected("one of eq ne co sw ew gt ge lt le pr") };
        Ok(Filter::Compare(path, operator, self.literal()?))
    }

    fn literal(&mut self) -> Result<Literal, FilterError> {
        const EXPECTED: &str = "a text in double quotes, a number, true, false or null";
        match self.tokens.peek() {
            Some((_, Token::Text(text))) => {
                let literal = Literal::Text(text.clone());
                self.tokens.next();
                Ok(literal)
            }
            Some((_, Token::Word(word))) => {
                // Some clients write their language's own True and False.
                let literal = match word.to_ascii_lowercase().as_str() {
                    "true" => Some(Literal::Boolean(true)),
                    "false" => Some(Literal::Boolean(false)),
                    "null" => Some(Literal::Null),
                    number => serde_json::from_str(number).ok().map(Literal::Number),
                };
                let Some(literal) = literal else { return self.expected(EXPECTED) };
                self.tokens.next();
                Ok(literal)
            }
            _ => self.expected(EXPECTED),
        }
    }
}

/// A filter that requires both.
fn all_of(inner: Filter, also: Filter) -> Filter {
    match inner {
        Filter::And(mut terms) => {
            terms.push(also);
            Filter::And(terms)
        }
        inner => Filter::And(vec![inner, also]),
    }
}

/// The only term, or all of them in one.
fn one_or(mut terms: Vec<Filter>, all: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match terms.pop() {
        Some(only) if terms.is_empty() => only,
        last => {
            terms.extend(last);
            all(terms)
        }
    }
}
