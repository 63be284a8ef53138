//! The severity of a server's message, in any language that PostgreSQL's messages are in.
//!
//! psql prints the severity in the language of `lc_messages`. With `VERBOSITY=verbose` the SQLSTATE
//! follows it, which is the same in all languages.

/// The severity of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A statement failed.
    Error,
    /// The session ended.
    Fatal,
    /// A notice, a warning or the like.
    Message,
}

/// The words for `ERROR` in the translations of PostgreSQL's messages.
const ERRORS: [&str; 14] = [
    "FEHLER",
    "ERREUR",
    "ERRORE",
    "ERRO",
    "BŁĄD",
    "HATA",
    "FEL",
    "ОШИБКА",
    "ПОМИЛКА",
    "შეცდომა",
    "오류",
    "错误",
    "錯誤",
    "エラー",
];

/// The words for `FATAL` and `PANIC` in the translations of PostgreSQL's messages.
const FATAL: [&str; 26] = [
    "FATAL",
    "PANIC",
    "PANIK",
    "FATALE",
    "PANICO",
    "FATALT",
    "PÂNICO",
    "KATASTROFALNY",
    "PANIKA",
    "ÖLÜMCÜL (FATAL)",
    "KRİTİK",
    "ВАЖНО",
    "ПАНИКА",
    "ФАТАЛЬНО",
    "ПАНІКА",
    "ფატალური",
    "პანიკა",
    "치명적오류",
    "손상",
    "致命错误",
    "比致命错误还过分的错误",
    "致命錯誤",
    "嚴重錯誤",
    "致命的エラー",
    "パニック",
    "PÁNICO",
];

/// The words for `WARNING`, `NOTICE`, `INFO`, `LOG` and `DEBUG` there.
const MESSAGES: [&str; 49] = [
    "WARNING",
    "NOTICE",
    "INFO",
    "LOG",
    "DEBUG",
    "WARNUNG",
    "HINWEIS",
    "ATTENTION",
    "NOTIFICA",
    "ATTENZIONE",
    "AVISO",
    "NOTA",
    "DEPURAÇÃO",
    "OSTRZEŻENIE",
    "UWAGA",
    "INFORMACJA",
    "DZIENNIK",
    "UYARI",
    "NOT",
    "BİLGİ",
    "VARNING",
    "NOTIS",
    "LOGG",
    "ПРЕДУПРЕЖДЕНИЕ",
    "ЗАМЕЧАНИЕ",
    "ИНФОРМАЦИЯ",
    "СООБЩЕНИЕ",
    "ОТЛАДКА",
    "ПОПЕРЕДЖЕННЯ",
    "ПОВІДОМЛЕННЯ",
    "ІНФОРМАЦІЯ",
    "ЗАПИСУВАННЯ",
    "НАЛАГОДЖЕННЯ",
    "გაფრთხილება",
    "ინფორმაცია",
    "ჟურნალი",
    "გამართვა",
    "경고",
    "알림",
    "정보",
    "로그",
    "디버그",
    "警告",
    "注意",
    "信息",
    "日志",
    "调试",
    "資訊",
    "日誌",
];

impl Severity {
    /// The severity that a word names. A translated one counts only before a SQLSTATE.
    fn of(word: &str, is_coded: bool) -> Option<Self> {
        match word {
            "ERROR" => Some(Self::Error),
            "FATAL" | "PANIC" => Some(Self::Fatal),
            "WARNING" | "NOTICE" | "INFO" | "LOG" | "DEBUG" => Some(Self::Message),
            _ if !is_coded => None,
            _ if ERRORS.contains(&word) => Some(Self::Error),
            _ if FATAL.contains(&word) => Some(Self::Fatal),
            _ => MESSAGES.contains(&word).then_some(Self::Message),
        }
    }

    /// The severity by the SQLSTATE alone.
    fn of_code(sqlstate: &str) -> Self {
        let is_success = ["00", "01", "02"].iter().any(|class| sqlstate.starts_with(class));
        if is_success { Self::Message } else { Self::Error }
    }

    /// The English word, except for a message that is no error.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Error => Some("ERROR"),
            Self::Fatal => Some("FATAL"),
            Self::Message => None,
        }
    }
}

/// The first line of a message of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    /// The severity.
    pub severity: Severity,
    /// The word for the severity, as the server wrote it.
    pub word: &'a str,
    /// The SQLSTATE. Only `VERBOSITY=verbose` shows it.
    pub sqlstate: Option<&'a str>,
    /// The text.
    pub message: &'a str,
}

impl<'a> Head<'a> {
    /// Reads `ERROR:  42601: text`, also in a language with a known translation. An English one
    /// needs no SQLSTATE.
    pub fn parse(line: &'a str) -> Option<Self> {
        let (word, sqlstate, message) = Self::split(line)?;
        let severity = Severity::of(word, sqlstate.is_some())?;
        Some(Self { severity, word, sqlstate, message })
    }

    /// Reads a line that is certainly the first of a message, whatever its language is.
    pub fn parse_certain(line: &'a str) -> Option<Self> {
        Self::parse(line).or_else(|| {
            let (word, sqlstate, message) = Self::split(line)?;
            let severity = Severity::of_code(sqlstate?);
            Some(Self { severity, word, sqlstate, message })
        })
    }

    fn split(line: &'a str) -> Option<(&'a str, Option<&'a str>, &'a str)> {
        let (word, rest) = line.split_once(":  ")?;
        let is_code = |code: &str| {
            code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        };
        let coded = rest.split_once(": ").filter(|(code, _)| is_code(code));
        let (sqlstate, message) =
            coded.map_or((None, rest), |(code, message)| (Some(code), message));
        Some((word, sqlstate, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_in_every_language() {
        let severity = |line| Head::parse(line).map(|head| head.severity);
        let certain = |line| Head::parse_certain(line).map(|head| head.severity);
        for (line, expected) in [
            ("ERROR:  42601: x", Some(Severity::Error)),
            ("ERROR:  x", Some(Severity::Error)),
            ("FEHLER:  42601: x", Some(Severity::Error)),
            ("ОШИБКА:  42601: x", Some(Severity::Error)),
            ("오류:  42601: x", Some(Severity::Error)),
            ("შეცდომა:  42601: x", Some(Severity::Error)),
            ("HINWEIS:  P0001: x", Some(Severity::Message)),
            ("警告:  01000: x", Some(Severity::Message)),
            ("ВАЖНО:  57P01: x", Some(Severity::Fatal)),
            ("FEHLER:  x", None),
            ("FEHLER:  nosql: x", None),
            ("DETAIL:  42601: x", None),
        ] {
            assert_eq!(severity(line), expected, "{line}");
        }
        assert_eq!(certain("WOOT:  42601: x"), Some(Severity::Error));
        assert_eq!(certain("WOOT:  01000: x"), Some(Severity::Message));
        assert_eq!(certain("WOOT:  x"), None);
        assert_eq!(Head::parse("FEHLER:  42601: a: b").unwrap().message, "a: b");
    }
}
