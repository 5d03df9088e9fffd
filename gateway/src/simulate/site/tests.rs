use super::*;

#[test]
fn every_screen_leads_somewhere_and_calls_what_exists() {
    for site in SITES {
        for screen in site.screens {
            assert!(!screen.next.is_empty(), "{}: {}", site.name, screen.name);
            for call in screen.calls {
                assert!(
                    site.route(call).is_some(),
                    "{}: {}: {call}",
                    site.name,
                    screen.name
                );
            }
            for (next, weight) in screen.next {
                assert!(
                    *weight > 0.0 && site.screens.iter().any(|s| s.name == *next),
                    "{}: {next}",
                    site.name
                );
            }
        }
        for name in site.machine {
            let route = site.route(name).map(|index| site.routes[index]);
            assert!(
                route.is_some_and(|route| route.access == Access::Key),
                "{}: {name}",
                site.name
            );
        }
        for kind in [
            Kind::Login,
            Kind::Health,
            Kind::Page,
            Kind::List,
            Kind::Search,
        ] {
            assert!(site.first(kind).is_some(), "{}: {kind:?}", site.name);
        }
        let routes = site.routes.iter();
        assert!(
            routes
                .clone()
                .all(|route| (route.slot == Slot::None) != route.path.contains("{}")),
            "{}",
            site.name
        );
    }
}

#[test]
fn names_lead_back_to_their_things_and_strangers_to_none() {
    for site in SITES {
        for class in site.classes {
            for index in [0, 1, 7, 8, 12, 500, class.count - 1]
                .into_iter()
                .filter(|i| *i < class.count)
            {
                let name = class.name(index);
                assert_eq!(class.index(&name), Some(index), "{}: {name}", site.name);
            }
            assert_eq!(class.index(&class.name(class.count)), None);
            for name in [
                "",
                "x",
                "-1",
                "1' or 1=1",
                "../1",
                "99999999999999999999",
                "zz-1",
                "OPS-0",
                "é-1",
            ] {
                assert_eq!(class.index(name), None, "{}: {name}", site.name);
            }
        }
    }
}

#[test]
fn what_an_account_owns_belongs_to_it_alone() {
    for site in SITES {
        for class in site.classes.iter().filter(|class| class.each > 0) {
            assert!(u64::from(class.count) >= u64::from(site.accounts) * u64::from(class.each));
            assert_ne!(u64::from(class.count) % STRIDE, 0);
            let mut owned: Vec<u32> = (0..200)
                .flat_map(|account| (0..class.each).map(move |nth| class.owned(account, nth)))
                .collect();
            owned.sort_unstable();
            owned.dedup();
            assert_eq!(owned.len(), 200 * class.each as usize, "{}", site.name);
            assert!(
                class.belongs(class.owned(11, 0), 11) && !class.belongs(class.owned(11, 0), 12)
            );
        }
    }
}

#[test]
fn routes_are_found_by_path_and_method() {
    let shop = SITES[0];
    let found = |method, path| {
        shop.find(method, path)
            .map(|found| found.map(|(at, slot)| (shop.routes[at].name, slot)))
    };
    assert_eq!(
        found("GET", "/api/products/1007"),
        Some(Ok(("product", "1007")))
    );
    assert_eq!(found("HEAD", "/"), Some(Ok(("home", ""))));
    assert_eq!(found("DELETE", "/api/cart"), Some(Err(())));
    assert_eq!(found("GET", "/api/products/1/2"), None);
    assert_eq!(found("GET", "/nowhere"), None);
}
