use super::super::client::Agent;
use super::super::compose::{self, Hand};
use super::*;

const NOW: f64 = 1_772_500_000.0;

fn ask(
    backend: &mut Backend,
    site: &'static Site,
    method: &'static str,
    target: &str,
    hand: &Hand<'_>,
) -> u16 {
    let mut draw = Draw::new(1);
    let agent = Agent::app(&mut draw);
    let mut request = compose::dress(
        site,
        &site.routes[0],
        &agent,
        hand,
        target.to_owned(),
        String::new(),
    );
    request.method = method;
    if !hand.bearer.is_empty() {
        request.set("authorization", format!("Bearer {}", hand.bearer));
    }
    backend.answer(&request, NOW).status
}

fn login(
    backend: &mut Backend,
    site: &'static Site,
    account: u32,
    password: &str,
    time: f64,
) -> Answer {
    let agent = Agent::app(&mut Draw::new(1));
    let request = compose::login(
        site,
        &agent,
        &Hand::default(),
        &people::mail(account),
        password,
    )
    .unwrap();
    backend.answer(&request, time)
}

#[test]
fn a_log_in_fails_locks_and_works_again() {
    for site in SITES {
        let mut backend = Backend::new(1);
        let right = people::password(site, 5);
        assert!(login(&mut backend, site, 5, &right, NOW).grant.is_some());
        for _ in 0..site.lockout.0 {
            assert_eq!(login(&mut backend, site, 5, "wrong one", NOW).status, 401);
        }
        assert_eq!(login(&mut backend, site, 5, &right, NOW + 1.0).status, 423);
        assert_eq!(
            login(&mut backend, site, 6, &people::password(site, 6), NOW + 1.0).status,
            200
        );
        assert_eq!(
            login(&mut backend, site, 5, &right, NOW + site.lockout.1 + 1.0).status,
            200
        );
        assert_eq!(
            login(&mut backend, site, site.accounts + 3, "x", NOW).status,
            401
        );
    }
}

#[test]
fn what_is_foreign_missing_or_unknown_is_not_given() {
    let mut backend = Backend::new(1);
    let (shop, bank) = (SITES[0], SITES[1]);
    let grant = |site: &'static Site, backend: &mut Backend| {
        let answer = login(backend, site, 7, &people::password(site, 7), NOW);
        answer.grant.unwrap().bearer
    };
    let (mine, theirs) = (
        shop.classes[1].name(shop.classes[1].owned(7, 0)),
        shop.classes[1].name(shop.classes[1].owned(8, 0)),
    );
    let bearer = grant(shop, &mut backend);
    let hand = Hand {
        bearer: &bearer,
        ..Hand::default()
    };
    for (method, target, status) in [
        ("GET", format!("/api/orders/{mine}"), 200),
        ("GET", format!("/api/orders/{theirs}"), 403),
        ("GET", "/api/orders/9".to_owned(), 404),
        ("GET", "/api/products/1007".to_owned(), 200),
        ("GET", "/api/products/9999999".to_owned(), 404),
        ("GET", "/api/products?page=2&size=100".to_owned(), 200),
        ("GET", "/api/products?size=5000".to_owned(), 400),
        ("GET", "/api/admin/reports/sales".to_owned(), 403),
        ("GET", "/api/partner/stock".to_owned(), 401),
        ("DELETE", "/api/cart".to_owned(), 405),
        ("GET", "/.env".to_owned(), 404),
        ("GET", "/static/logo.svg".to_owned(), 200),
        ("GET", "/static/old.js".to_owned(), 404),
        ("GET", "/health".to_owned(), 200),
    ] {
        assert_eq!(
            ask(&mut backend, shop, method, &target, &hand),
            status,
            "{method} {target}"
        );
    }
    assert_eq!(
        ask(&mut backend, shop, "GET", "/api/orders", &Hand::default()),
        401
    );
    let bearer = grant(bank, &mut backend);
    let hand = Hand {
        bearer: &bearer,
        ..Hand::default()
    };
    let other = bank.classes[0].name(bank.classes[0].owned(8, 0));
    assert_eq!(
        ask(
            &mut backend,
            bank,
            "GET",
            &format!("/v1/accounts/{other}"),
            &hand
        ),
        404
    );
}

#[test]
fn what_costs_more_takes_longer_and_a_crowd_slows_everyone() {
    let mut backend = Backend::new(1);
    let agent = Agent::app(&mut Draw::new(1));
    let mut draw = Draw::new(2);
    let mut mean = |backend: &mut Backend, site: &'static Site, name: &str, gap: f64| {
        let route = &site.routes[site.route(name).unwrap()];
        let key = token::partner_key(site.host, 1);
        let asked = compose::request(
            site,
            route,
            &agent,
            &Hand {
                key: &key,
                ..Hand::default()
            },
            &mut draw,
        );
        (0..8_000)
            .map(|n| f64::from(backend.answer(&asked, NOW + f64::from(n) * gap).latency_ms))
            .sum::<f64>()
            / 8_000.0
    };
    let (product, compare) = (
        mean(&mut backend, SITES[0], "product", 1.0),
        mean(&mut backend, SITES[0], "compare", 1.0),
    );
    assert!(compare > 5.0 * product, "{compare} {product}");
    let crowded = mean(&mut backend, SITES[0], "product", 0.0005);
    assert!(crowded > 1.5 * product, "{crowded} {product}");
}

#[test]
fn numbers_that_are_none_are_mostly_refused() {
    let mut backend = Backend::new(1);
    let mut refused = |target: &str| {
        let asked = (0..400)
            .filter(|_| ask(&mut backend, SITES[0], "GET", target, &Hand::default()) == 400);
        asked.count()
    };
    assert!(refused("/api/products?page=x&size=20") > 250);
    assert!(refused("/api/products?page=-1") > 250);
    assert!(refused("/api/products?page=3&size=20&other=x") < 20);
}
