//! The digests of the links themselves.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;

use super::{Checking, LEAVES_AT_ONCE, leaf_of};
use crate::store::StoreError;
use crate::store::chain::fault::{Fault, LinkName};
use crate::store::chain::scope::LINKS_AT_ONCE;
use crate::store::chain::{BEFORE_ALL, LINK, Leaf, LeafRow, Link, LinkDigest, LinkDigesting, link_of};
use crate::store::rows::selected;

impl<C: ConnectionTrait> Checking<'_, C> {
    /// Checks the digests of the links themselves.
    pub(super) async fn links(&mut self, head: &Link) -> Result<(), StoreError> {
        let mut before = BEFORE_ALL;
        while before.number < head.number {
            let (first, last) = (before.number + 1, before.number + LINKS_AT_ONCE);
            let sql = format!("SELECT {LINK} FROM chain_link WHERE number >= $1 AND number <= $2 ORDER BY number");
            let rows = self.query(&sql, vec![first.into(), last.into()]).await?;
            let links: Vec<Link> = rows.iter().map(link_of).collect::<Result<_, _>>()?;
            let is_in_scope = (first..=last).any(|number| self.scope.has_link(number));
            let digests = if is_in_scope { self.link_digests(&before, &links).await? } else { BTreeMap::new() };
            for link in links {
                for number in before.number + 1..link.number.min(before.number + 100) {
                    self.found.add(Fault::LinkGone { number });
                }
                let fits = digests.get(&link.number).is_none_or(|should| *should == link.digest);
                if !fits || link.through <= before.through {
                    self.found.add(Fault::Link(LinkName { number: link.number, through: link.through }));
                }
                self.found.links += u64::from(is_in_scope);
                before = link;
            }
            if before.number < last && before.number < head.number {
                // Whole ranges of the chain are gone.
                self.found.add(Fault::LinkGone { number: before.number + 1 });
                before = Link { number: last.min(head.number), ..before };
            }
        }
        Ok(())
    }

    /// The expected digests of consecutive links.
    async fn link_digests(&self, before: &Link, links: &[Link]) -> Result<BTreeMap<i64, LinkDigest>, StoreError> {
        let mut digesting = BTreeMap::new();
        let mut previous = before.digest;
        for link in links {
            digesting.insert(
                link.number,
                LinkDigesting::begin(&previous, link.number, link.through, link.next_id, &link.reader),
            );
            previous = link.digest;
        }
        let (Some(first), Some(last)) = (links.first(), links.last()) else { return Ok(BTreeMap::new()) };
        let leaf = selected::<LeafRow>("l");
        let sql = format!(
            "SELECT {leaf} FROM chain_leaf l WHERE (l.link, l.facet, l.part) > ($1, $2, $3) AND l.link <= $4
             ORDER BY l.link, l.facet, l.part LIMIT {LEAVES_AT_ONCE}"
        );
        let mut following = (first.number, String::new(), -1);
        let mut leaves: Vec<Leaf> = Vec::new();
        loop {
            let (link, facet, part) = following;
            let values = vec![link.into(), facet.into(), part.into(), last.number.into()];
            let rows = self.query(&sql, values).await?;
            for row in &rows {
                leaves.push(leaf_of(row)?);
            }
            let Some(newest) = leaves.last() else { break };
            if rows.is_empty() {
                break;
            }
            following = (newest.link, newest.facet.clone(), newest.part);
            let complete = leaves.partition_point(|leaf| leaf.link < newest.link);
            put_in_order(leaves.drain(..complete).collect(), &mut digesting);
        }
        put_in_order(leaves, &mut digesting);
        Ok(digesting.into_iter().map(|(number, digesting)| (number, digesting.end())).collect())
    }
}

/// Puts leaves in the order in which their link's digest takes them.
fn put_in_order(mut leaves: Vec<Leaf>, digesting: &mut BTreeMap<i64, LinkDigesting>) {
    leaves.sort_by(|a, b| (a.link, &a.facet, a.part).cmp(&(b.link, &b.facet, b.part)));
    for leaf in leaves {
        if let Some(digesting) = digesting.get_mut(&leaf.link) {
            leaf.put(&mut digesting.0);
        }
    }
}
