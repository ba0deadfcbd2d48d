//! The one table of what queries match. The client's evaluator and both of the instance's databases are tested against
//! it, so that none of them decides anything by itself. The rules are told in [the module above](super).
//!
//! Use it so: put [`ROWS`] in an empty table whose fields have [`TYPES`], ask each query of [`CASES`], break ties by
//! `sys_id` in ascending order, and expect exactly [`Case::matches`].

use crate::wire::value::Type;

/// A record. Fields not named are absent, which is the same as empty.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Sorts as the rows do here.
    pub sys_id: &'static str,
    /// Name and value, in string form.
    pub fields: &'static [(&'static str, &'static str)],
}

/// A query and what it matches among [`ROWS`].
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// In encoded form.
    pub query: &'static str,
    /// The `sys_id`s, in the order they are to come.
    pub matches: &'static [&'static str],
}

/// What the fields hold. `sys_id` is text, like any field not named.
pub const TYPES: &[(&str, Type)] = &[
    ("name", Type::Text),
    ("code", Type::Text),
    ("kind", Type::Text),
    ("count", Type::Integer),
    ("price", Type::Decimal),
    ("active", Type::Boolean),
    ("due", Type::Datetime),
];

impl Row {
    /// A field's value, empty when absent.
    pub fn get(&self, field: &str) -> &'static str {
        if field == "sys_id" {
            return self.sys_id;
        }
        self.fields.iter().find(|(name, _)| *name == field).map_or("", |(_, value)| value)
    }
}

/// The type of a field, by [`TYPES`].
pub fn type_of(field: &str) -> Type {
    TYPES.iter().find(|(name, _)| *name == field).map_or(Type::Text, |(_, of)| *of)
}

/// The records.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row { sys_id: "r01", fields: &[("name", "Pump"), ("code", "10"), ("kind", "a"), ("count", "1"), ("price", "1.5"), ("active", "true"), ("due", "2026-01-01 00:00:00")] },
    Row { sys_id: "r02", fields: &[("name", "pump station"), ("code", "9"), ("kind", "A"), ("count", "2"), ("price", "-0.5"), ("active", "false"), ("due", "2026-01-01 00:00:01")] },
    Row { sys_id: "r03", fields: &[("name", "École"), ("code", "010"), ("kind", "b"), ("count", "10"), ("price", "10"), ("active", "true"), ("due", "2025-12-31 23:59:59")] },
    Row { sys_id: "r04", fields: &[("name", "école élémentaire"), ("code", "a_b"), ("kind", "B"), ("count", "-3"), ("price", "2.50"), ("active", "1"), ("due", "2026-03-01")] },
    Row { sys_id: "r05", fields: &[("name", "Straße"), ("code", "50%")] },
    Row { sys_id: "r06", fields: &[("name", "STRASSE"), ("code", r"a\b"), ("kind", "b"), ("count", "100"), ("price", "0.1"), ("active", "0"), ("due", "2024-02-29 12:00:00")] },
    Row { sys_id: "r07", fields: &[("code", ""), ("kind", ""), ("count", "9"), ("price", "2.5"), ("active", "true"), ("due", "2026-01-01 10:30:00")] },
    Row { sys_id: "r08", fields: &[("name", "a^b"), ("code", "axb"), ("kind", "a"), ("count", "n/a"), ("active", "false"), ("due", "soon")] },
    Row { sys_id: "r09", fields: &[("name", "ΟΔΟΣ"), ("code", "500"), ("kind", "c"), ("count", "-10"), ("price", "-10.25"), ("due", "1999-12-31 23:59:59")] },
    Row { sys_id: "r10", fields: &[("name", "It's \"1,2\" @ 5"), ("code", "A,B"), ("kind", "a"), ("count", "007"), ("price", "1000000"), ("active", "true"), ("due", "2026-01-01 00:00:00")] },
];

const fn case(query: &'static str, matches: &'static [&'static str]) -> Case {
    Case { query, matches }
}

const ALL: &[&str] = &["r01", "r02", "r03", "r04", "r05", "r06", "r07", "r08", "r09", "r10"];
const ACTIVE: &[&str] = &["r01", "r03", "r04", "r07", "r10"];
const INACTIVE: &[&str] = &["r02", "r06", "r08"];

/// The queries.
#[rustfmt::skip]
pub const CASES: &[Case] = &[
    case("", ALL),

    // Equal: text without regard to case, beyond ASCII too, accents and ß kept apart.
    case("name=Pump", &["r01"]),
    case("name=PUMP", &["r01"]),
    case("name=ÉCOLE", &["r03"]),
    case("name=ecole", &[]),
    case("name=straße", &["r05"]),
    case("name=strasse", &["r06"]),
    case("name=οδοσ", &["r09"]),
    case("name=οδος", &[]), // ς is a letter of its own
    case("name=It's \"1,2\" @ 5", &["r10"]),
    case("name=pump%", &[]),
    case("name=pum_", &[]),
    case("name=a^^b", &["r08"]),
    case("sys_id=r03", &["r03"]),
    case("sys_id=R03", &["r03"]),

    // Equal: numbers, in text fields as text.
    case("code=10", &["r01"]),
    case("code=010", &["r03"]),
    case("count=7", &["r10"]),
    case("count=1.0", &["r01"]),
    case("count=-3", &["r04"]),
    case("count=N/A", &["r08"]),
    case("price=2.5", &["r04", "r07"]),
    case("price=-0.50", &["r02"]),
    case("price=10.0", &["r03"]),
    case("price=0.10", &["r06"]),

    // Equal: booleans and moments in each of their forms.
    case("active=true", ACTIVE),
    case("active=1", ACTIVE),
    case("active=false", INACTIVE),
    case("active=0", INACTIVE),
    case("due=2026-01-01 00:00:00", &["r01", "r10"]),
    case("due=2026-01-01", &["r01", "r10"]),
    case("due=2026-01-01T00:00:00Z", &["r01", "r10"]),
    case("due=2026-01-01T01:00:00+01:00", &["r01", "r10"]),
    case("due=2026-03-01 00:00:00", &["r04"]),
    case("due=SOON", &["r08"]),

    // Empty.
    case("name=", &["r07"]),
    case("nameISEMPTY", &["r07"]),
    case("count=", &["r05"]),
    case("countISEMPTY", &["r05"]),
    case("active=", &["r05", "r09"]),
    case("dueISEMPTY", &["r05"]),
    case("kindISEMPTY", &["r05", "r07"]),
    case("name!=", &["r01", "r02", "r03", "r04", "r05", "r06", "r08", "r09", "r10"]),
    case("countISNOTEMPTY", &["r01", "r02", "r03", "r04", "r06", "r07", "r08", "r09", "r10"]),
    case("priceISNOTEMPTY", &["r01", "r02", "r03", "r04", "r06", "r07", "r09", "r10"]),

    // Not equal: the exact opposite, so empty ones are among them.
    case("kind!=a", &["r03", "r04", "r05", "r06", "r07", "r09"]),
    case("count!=1", &["r02", "r03", "r04", "r05", "r06", "r07", "r08", "r09", "r10"]),
    case("price!=2.5", &["r01", "r02", "r03", "r05", "r06", "r08", "r09", "r10"]),
    case("active!=true", &["r02", "r05", "r06", "r08", "r09"]),
    case("due!=2026-01-01", &["r02", "r03", "r04", "r05", "r06", "r07", "r08", "r09"]),

    // Less and greater: numbers.
    case("count<2", &["r01", "r04", "r09"]),
    case("count<=-3", &["r04", "r09"]),
    case("count>9", &["r03", "r06"]),
    case("count>=9", &["r03", "r06", "r07"]),
    case("count<2.5", &["r01", "r02", "r04", "r09"]),
    case("price<0", &["r02", "r09"]),
    case("price<=-0.5", &["r02", "r09"]),
    case("price>2.5", &["r03", "r10"]),
    case("price>=2.50", &["r03", "r04", "r07", "r10"]),
    case("price>0.1", &["r01", "r03", "r04", "r07", "r10"]),

    // Less and greater: text, by folded code points.
    case("code<2", &["r01", "r03"]),
    case("name<pump", &["r08", "r10"]),
    case("name<=PUMP", &["r01", "r08", "r10"]),
    case("name>pump", &["r02", "r03", "r04", "r05", "r06", "r09"]),
    case("name>Z", &["r03", "r04", "r09"]),
    case("name>STRAß", &["r03", "r04", "r05", "r09"]),

    // Less and greater: moments and booleans.
    case("due<2026-01-01", &["r03", "r06", "r09"]),
    case("due>=2026-01-01 00:00:01", &["r02", "r04", "r07"]),
    case("due>2026-01-01 10:30:00", &["r04"]),
    case("due>2026-01-01T00:00:00+14:00", &["r01", "r02", "r03", "r04", "r07", "r10"]),
    case("active<true", INACTIVE),
    case("active>=0", &["r01", "r02", "r03", "r04", "r06", "r07", "r08", "r10"]),

    // Less and greater: never with the empty value, nor with what is not of the type.
    case("count<", &[]),
    case("count>=", &[]),
    case("name>", &[]),
    case("name<=", &[]),
    case("count<n/a", &[]),
    case("count>=n/a", &[]),
    case("due<=later", &[]),

    // Contains: %, _ and \ are plain characters, and the string form counts.
    case("nameLIKEpump", &["r01", "r02"]),
    case("nameLIKEÉLÉM", &["r04"]),
    case("nameLIKEstra", &["r05", "r06"]),
    case("nameLIKE'", &["r10"]),
    case("nameLIKE\"1,2\"", &["r10"]),
    case("nameLIKE^^", &["r08"]),
    case("codeLIKE%", &["r05"]),
    case("codeLIKE_", &["r04"]),
    case("codeLIKEa_b", &["r04"]),
    case(r"codeLIKE\", &["r06"]),
    case("codeLIKE50%", &["r05"]),
    case("codeLIKE0", &["r01", "r03", "r05", "r09"]),
    case("countLIKE0", &["r03", "r06", "r09", "r10"]),
    case("nameLIKE", ALL),
    case("nameNOT LIKEPUMP", &["r03", "r04", "r05", "r06", "r07", "r08", "r09", "r10"]),
    case("codeNOT LIKE%", &["r01", "r02", "r03", "r04", "r06", "r07", "r08", "r09", "r10"]),
    case("nameNOT LIKE", &[]),
    case("nameCONTAINSpump", &["r01", "r02"]),
    case("codeNOTLIKE%", &["r01", "r02", "r03", "r04", "r06", "r07", "r08", "r09", "r10"]),
    case("codeDOES NOT CONTAIN0", &["r02", "r04", "r06", "r07", "r08", "r10"]),

    // Starts and ends with.
    case("nameSTARTSWITHÉCOLE", &["r03", "r04"]),
    case("nameSTARTSWITHοδο", &["r09"]),
    case("codeSTARTSWITH0", &["r03"]),
    case("codeSTARTSWITHA_", &["r04"]),
    case("dueSTARTSWITH2026-01", &["r01", "r02", "r07", "r10"]),
    case("nameSTARTSWITH", ALL),
    case("nameENDSWITHSTATION", &["r02"]),
    case("nameENDSWITHσ", &["r09"]),
    case("codeENDSWITHb", &["r04", "r06", "r08", "r10"]),
    case("codeENDSWITH_B", &["r04"]),
    case("codeENDSWITH%", &["r05"]),
    case("nameENDSWITH", ALL),

    // Lists: an empty entry is the empty value, and blanks count.
    case("countIN1,7,100", &["r01", "r06", "r10"]),
    case("countIN1,", &["r01", "r05"]),
    case("countIN", &["r05"]),
    case("nameINpump,strasse", &["r01", "r06"]),
    case("nameINpump, strasse", &["r01"]),
    case("codeIN10,9", &["r01", "r02"]),
    case("codeINA,B", &[]),
    case("priceIN2.50,-0.5", &["r02", "r04", "r07"]),
    case("activeIN1", ACTIVE),
    case("dueIN2026-01-01,2026-03-01", &["r01", "r04", "r10"]),
    case("sys_idINr10,r02", &["r02", "r10"]),
    case("kindNOT INa,b", &["r05", "r07", "r09"]),
    case("kindNOT INa,", &["r03", "r04", "r06", "r09"]),
    case("countNOT IN1,2,10,-3,100,9", &["r05", "r08", "r09", "r10"]),
    case("activeNOT INtrue,", INACTIVE),

    // Between, borders included.
    case("countBETWEEN1@9", &["r01", "r02", "r07", "r10"]),
    case("countBETWEEN-10@-3", &["r04", "r09"]),
    case("countBETWEEN9@1", &[]),
    case("countBETWEEN@5", &[]),
    case("countBETWEEN1@", &[]),
    case("countBETWEENa@z", &[]),
    case("priceBETWEEN0.1@1.5", &["r01", "r06"]),
    case("dueBETWEEN2026-01-01 00:00:00@2026-01-01 00:00:01", &["r01", "r02", "r10"]),
    case("dueBETWEEN2026-01-01@2026-01-02", &["r01", "r02", "r07", "r10"]),
    case("nameBETWEENP@S", &["r01", "r02"]),
    case("nameBETWEENit@IT'S \"1,2\" @ 5", &["r10"]),
    case("codeBETWEEN1@9", &["r01", "r02", "r05", "r09"]),

    // Precedence.
    case("kind=b^count=10^ORcount=1", &["r03"]),
    case("count=1^ORcount=2^kind=b", &[]),
    case("kind=c^NQcount=1^ORcount=2", &["r01", "r02", "r09"]),
    case("kind=b^active=false^NQkind=a^active=true", &["r01", "r06", "r10"]),
    case("name=Pump^ORname=ÉCOLE^active=true^NQcountISEMPTY", &["r01", "r03", "r05"]),
    case("kind=a^^^ORkind=c", &["r09"]),
    case("kind=^name=Straße", &["r05"]),
    case("^kind=c^EQ", &["r09"]),

    // Order: empty, then the type, then other text; ties by sys_id.
    case("ORDERBYcount", &["r05", "r09", "r04", "r01", "r02", "r10", "r07", "r03", "r06", "r08"]),
    case("ORDERBYDESCcount", &["r08", "r06", "r03", "r07", "r10", "r02", "r01", "r04", "r09", "r05"]),
    case("ORDERBYprice", &["r05", "r08", "r09", "r02", "r06", "r01", "r04", "r07", "r03", "r10"]),
    case("ORDERBYactive", &["r05", "r09", "r02", "r06", "r08", "r01", "r03", "r04", "r07", "r10"]),
    case("ORDERBYdue", &["r05", "r09", "r06", "r03", "r01", "r10", "r02", "r07", "r04", "r08"]),
    case("ORDERBYcode", &["r07", "r03", "r01", "r05", "r09", "r02", "r10", "r06", "r04", "r08"]),
    case("ORDERBYname", &["r07", "r08", "r10", "r01", "r02", "r06", "r05", "r03", "r04", "r09"]),
    case("ORDERBYkind", &["r05", "r07", "r01", "r02", "r08", "r10", "r03", "r04", "r06", "r09"]),
    case("ORDERBYDESCkind", &["r09", "r03", "r04", "r06", "r01", "r02", "r08", "r10", "r05", "r07"]),
    case("ORDERBYkind^ORDERBYDESCcount", &["r07", "r05", "r08", "r10", "r02", "r01", "r06", "r03", "r04", "r09"]),
    case("ORDERBYDESCdue^kind=a", &["r08", "r02", "r01", "r10"]),
    case("kind=b^ORDERBYDESCcount^NQkind=c", &["r06", "r03", "r04", "r09"]),
    case("ORDERBYDESCsys_id^countBETWEEN1@9", &["r10", "r07", "r02", "r01"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Query;

    #[test]
    fn the_evaluator_agrees_with_every_case() {
        let mut wrong = Vec::new();
        for case in CASES {
            let query: Query = case.query.parse().unwrap();
            let mut found: Vec<&Row> =
                ROWS.iter().filter(|row| query.matches(|field| row.get(field), type_of)).collect();
            found.sort_by(|a, b| {
                query.compare(|field| a.get(field), |field| b.get(field), type_of).then(a.sys_id.cmp(b.sys_id))
            });
            let found: Vec<&str> = found.iter().map(|row| row.sys_id).collect();
            if found != case.matches {
                wrong.push(format!("{}: {:?} rather than {:?}", case.query, found, case.matches));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_case_survives_printing() {
        for case in CASES {
            let query: Query = case.query.parse().unwrap();
            assert_eq!(query.to_string().parse(), Ok(query), "{}", case.query);
        }
    }
}
