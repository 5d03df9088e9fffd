//! The columns of the request view, once: their order, names and units. `docs/FEATURES.md` says what each one means,
//! and a test holds the two together. Changing what a column means without changing its name calls for a new
//! [`VERSION`].

/// Raised when a column changes its meaning and keeps its name.
pub(super) const VERSION: u32 = 1;

/// How the values of a column are made, for people and for scaling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// ln(1 + a count or a number of bytes).
    Ln,
    /// 0 to 1.
    Share,
    /// 0 or 1.
    Flag,
    /// 0 to 1, a score of signatures.
    Score,
    /// −20 to 20, what the gate says.
    Logit,
}

macro_rules! columns {
    ($($variant:ident $name:literal $unit:ident)*) => {
        /// A column of the request view; the discriminant is its index.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        #[expect(missing_docs, reason = "docs/FEATURES.md says what each one is")]
        pub enum Column { $($variant,)* }

        impl Column {
            /// Name and unit of each column, in order.
            pub const ALL: &'static [(&'static str, Unit)] = &[$(($name, Unit::$unit),)*];
        }
    };
}

/// How many columns the request view has.
pub const COUNT: usize = Column::ALL.len();

columns! {
    MethodGet "method_get" Flag
    MethodPost "method_post" Flag
    MethodUpdate "method_update" Flag
    PathLength "path_length" Ln
    PathDepth "path_depth" Ln
    PathMarks "path_marks" Ln
    PathAsset "path_asset" Flag
    PathScript "path_script" Flag
    QueryLength "query_length" Ln
    QueryParameters "query_parameters" Ln
    BodyLength "body_length" Ln
    BodyForm "body_form" Flag
    BodyJson "body_json" Flag
    BodyXml "body_xml" Flag
    BodyMultipart "body_multipart" Flag
    HeaderCount "header_count" Ln
    HeaderBytes "header_bytes" Ln
    CookieCount "cookie_count" Ln
    CookieBytes "cookie_bytes" Ln
    UserAgentLength "user_agent_length" Ln
    UserAgentBrowser "user_agent_browser" Flag
    RefererGiven "referer_given" Flag
    AuthorizationGiven "authorization_given" Flag
    FetchMetadata "fetch_metadata" Flag
    FieldCount "field_count" Ln
    FieldPlain "field_plain" Share
    FieldJudged "field_judged" Ln
    NameMarks "name_marks" Ln
    LongestValue "longest_value" Ln
    NestedFields "nested_fields" Ln
    LayersMost "layers_most" Share
    LayeredFields "layered_fields" Ln
    Overlong "overlong" Flag
    Nul "nul" Flag
    PercentInvalid "percent_invalid" Flag
    Anomalies "anomalies" Ln
    PathEscapes "path_escapes" Flag
    GateFirst "gate_first" Logit
    GateSecond "gate_second" Logit
    GateThird "gate_third" Logit
    FindingsLow "findings_low" Ln
    FindingsMedium "findings_medium" Ln
    FindingsHigh "findings_high" Ln
    FindingsCritical "findings_critical" Ln
    FindingFields "finding_fields" Ln
    WeakFindings "weak_findings" Ln
    WeakBest "weak_best" Score
    SignatureSqli "signature_sqli" Score
    SignatureXss "signature_xss" Score
    SignatureCommandInjection "signature_command_injection" Score
    SignatureCodeInjection "signature_code_injection" Score
    SignaturePathTraversal "signature_path_traversal" Score
    SignatureFileInclusion "signature_file_inclusion" Score
    SignatureSsrf "signature_ssrf" Score
    SignatureSsti "signature_ssti" Score
    SignatureExpressionLanguage "signature_expression_language" Score
    SignatureLog4shell "signature_log4shell" Score
    SignatureNosql "signature_nosql" Score
    SignatureLdap "signature_ldap" Score
    SignatureXpath "signature_xpath" Score
    SignatureXxe "signature_xxe" Score
    SignatureSsi "signature_ssi" Score
    SignatureCrlf "signature_crlf" Score
    SignatureSmuggling "signature_smuggling" Score
    SignatureOpenRedirect "signature_open_redirect" Score
    SignatureMassAssignment "signature_mass_assignment" Score
    SignaturePrototypePollution "signature_prototype_pollution" Score
    SignatureDeserialization "signature_deserialization" Score
    SignatureGraphql "signature_graphql" Score
    SignatureJwt "signature_jwt" Score
    SignatureUpload "signature_upload" Score
    SignatureWebshell "signature_webshell" Score
    SignatureExploit "signature_exploit" Score
    SignatureSensitiveFile "signature_sensitive_file" Score
    SignatureScanner "signature_scanner" Score
    SignatureBot "signature_bot" Score
    SignatureProtocol "signature_protocol" Score
    SignatureEvasion "signature_evasion" Score
    SignatureDenialOfService "signature_denial_of_service" Score
    SignatureLogForging "signature_log_forging" Score
    SignatureOther "signature_other" Score
    TopPath "top_path" Flag
    TopQuery "top_query" Flag
    TopBody "top_body" Flag
    TopHeader "top_header" Flag
    TopCookie "top_cookie" Flag
    TopName "top_name" Flag
    TopLength "top_length" Ln
    TopLetters "top_letters" Share
    TopDigits "top_digits" Share
    TopUpper "top_upper" Share
    TopSpaces "top_spaces" Share
    TopHigh "top_high" Share
    TopEntropy "top_entropy" Share
    TopWords "top_words" Ln
    TopLongestWord "top_longest_word" Ln
    TopLongestMarks "top_longest_marks" Ln
    TopQuotes "top_quotes" Ln
    TopDoubleQuotes "top_double_quotes" Ln
    TopAngles "top_angles" Ln
    TopParens "top_parens" Ln
    TopBraces "top_braces" Ln
    TopSemicolons "top_semicolons" Ln
    TopPipes "top_pipes" Ln
    TopDollars "top_dollars" Ln
    TopSlashes "top_slashes" Ln
    TopEquals "top_equals" Ln
    TopPercents "top_percents" Ln
    TopQuotesOdd "top_quotes_odd" Flag
    TopComments "top_comments" Ln
    TopTautology "top_tautology" Flag
    TopCalls "top_calls" Ln
    TopSql "top_sql" Ln
    TopSqlPairs "top_sql_pairs" Ln
    TopMarkup "top_markup" Ln
    TopScript "top_script" Ln
    TopShell "top_shell" Ln
    TopFiles "top_files" Ln
    TopUrls "top_urls" Ln
    TopTemplates "top_templates" Ln
    TopCode "top_code" Ln
    TopOperators "top_operators" Ln
    TopEscapes "top_escapes" Ln
    TopCase "top_case" Share
    TopLayers "top_layers" Share
    TopSqli "top_sqli" Flag
    TopXss "top_xss" Flag
    TopSignature "top_signature" Score
}

/// The values of one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub [f32; COUNT]);

impl Default for Row {
    fn default() -> Self {
        Self([0.0; COUNT])
    }
}

impl Row {
    /// Sets a column.
    pub(super) fn set(&mut self, column: Column, value: f32) {
        self.0[column as usize] = value;
    }

    /// Sets a column to ln(1 + count).
    pub(super) fn count(&mut self, column: Column, count: usize) {
        self.set(column, ln(count));
    }

    /// Sets a column to 1 or 0.
    pub(super) fn flag(&mut self, column: Column, holds: bool) {
        self.set(column, f32::from(u8::from(holds)));
    }

    /// The value of a column.
    pub fn value(&self, column: Column) -> f32 {
        self.0[column as usize]
    }
}

/// ln(1 + count).
pub(super) fn ln(count: usize) -> f32 {
    (count as f32).ln_1p()
}

/// `part` of `whole`, 0 where there is nothing.
pub(super) fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 {
        0.0
    } else {
        part as f32 / whole as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_the_columns_in_order() {
        let text = include_str!("../../../docs/FEATURES.md");
        for (index, (name, unit)) in Column::ALL.iter().enumerate() {
            let unit = format!("{unit:?}").to_lowercase();
            let line = format!("| {index} | `{name}` | {unit} |");
            assert!(text.contains(&line), "docs/FEATURES.md lacks {line}");
        }
        assert!(!text.contains(&format!("| {COUNT} | `")));
    }
}
