//! Long lists, a page at a time.
//! Source: <https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api>

use super::call::Call;

/// How many items a page has unless the request says otherwise, and at most.
const USUAL: usize = 30;
const MOST: usize = 100;

/// The part of `items` that the request asks for, and the `link` header, unless one page holds everything.
pub(super) fn page<T>(call: &Call, items: Vec<T>) -> (Vec<T>, Option<String>) {
    let asked = |name| call.asked(name)?.parse::<usize>().ok().filter(|it| *it > 0);
    let size = asked("per_page").unwrap_or(USUAL).min(MOST);
    let number = asked("page").unwrap_or(1);
    let last = items.len().div_ceil(size).max(1);
    let shown = items.into_iter().skip((number - 1) * size).take(size);
    (shown.collect(), links(call, number, last))
}

fn links(call: &Call, number: usize, last: usize) -> Option<String> {
    let mut links = Vec::new();
    let mut link = |page: usize, rel: &str| {
        links.push(format!("<{}>; rel=\"{rel}\"", address(call, page)));
    };
    if number > 1 {
        link(number - 1, "prev");
    }
    if number < last {
        link(number + 1, "next");
        link(last, "last");
    }
    if number > 1 {
        link(1, "first");
    }
    (!links.is_empty()).then(|| links.join(", "))
}

/// The same request for another page.
fn address(call: &Call, page: usize) -> String {
    let query = call.target.split_once('?').map_or("", |(_, query)| query);
    let kept = query
        .split('&')
        .filter(|it| !it.is_empty() && !it.starts_with("page="));
    let page = format!("page={page}");
    let query: Vec<&str> = kept.chain([page.as_str()]).collect();
    format!("{}{}?{}", call.base, call.path(), query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_their_links() {
        let cases = [
            (
                "",
                0..30,
                vec![("/x?page=2", "next"), ("/x?page=5", "last")],
            ),
            (
                "?per_page=100&page=2",
                100..130,
                vec![
                    ("/x?per_page=100&page=1", "prev"),
                    ("/x?per_page=100&page=1", "first"),
                ],
            ),
            (
                "?a=b&page=2&per_page=50",
                50..100,
                vec![
                    ("/x?a=b&per_page=50&page=1", "prev"),
                    ("/x?a=b&per_page=50&page=3", "next"),
                    ("/x?a=b&per_page=50&page=3", "last"),
                    ("/x?a=b&per_page=50&page=1", "first"),
                ],
            ),
            (
                "?per_page=500&page=0",
                0..100,
                vec![
                    ("/x?per_page=500&page=2", "next"),
                    ("/x?per_page=500&page=2", "last"),
                ],
            ),
            (
                "?per_page=many",
                0..30,
                vec![
                    ("/x?per_page=many&page=2", "next"),
                    ("/x?per_page=many&page=5", "last"),
                ],
            ),
        ];
        for (query, range, links) in cases {
            let call = Call::get(&format!("/x{query}"));
            let links: Vec<String> = links
                .iter()
                .map(|(address, rel)| format!("<http://github{address}>; rel=\"{rel}\""))
                .collect();
            let (shown, link) = page(&call, (0..130).collect());
            assert_eq!(shown, range.collect::<Vec<_>>(), "{query}");
            assert_eq!(link, Some(links.join(", ")), "{query}");
        }
    }

    #[test]
    fn what_fits_on_one_page_has_no_links() {
        assert_eq!(page(&Call::get("/x"), vec![1, 2]), (vec![1, 2], None));
        assert_eq!(page::<i32>(&Call::get("/x"), vec![]), (vec![], None));
    }
}
