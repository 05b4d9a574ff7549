//! A filter's text into names, texts and brackets.

use super::super::path::AttributePath;
use super::FilterError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, an operator, a number, or one of `true`, `false`, `null`.
    Word(String),
    /// A text in double quotes, unescaped.
    Text(String),
    Open,
    Close,
    OpenBracket,
    CloseBracket,
}

/// Tokens, each with the place of its first character, counted from 1.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, FilterError> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().enumerate().map(|(place, c)| (place + 1, c)).peekable();
    while let Some((at, character)) = characters.next() {
        let token = match character {
            c if c.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            '[' => Token::OpenBracket,
            ']' => Token::CloseBracket,
            '"' => {
                let mut quoted = String::from('"');
                loop {
                    let (_, c) = characters.next().ok_or(FilterError::BrokenText { at })?;
                    quoted.push(c);
                    match c {
                        '"' => break,
                        '\\' => quoted.extend(characters.next().map(|(_, c)| c)),
                        _ => {}
                    }
                }
                Token::Text(serde_json::from_str(&quoted).map_err(|_| FilterError::BrokenText { at })?)
            }
            c if in_word(c) => {
                let mut word = String::from(c);
                while let Some((_, c)) = characters.next_if(|(_, c)| in_word(*c)) {
                    word.push(c);
                }
                Token::Word(word)
            }
            character => return Err(FilterError::Character { at, character }),
        };
        tokens.push((at, token));
    }
    Ok(tokens)
}

const fn in_word(c: char) -> bool {
    AttributePath::takes(c) || c == '+'
}
