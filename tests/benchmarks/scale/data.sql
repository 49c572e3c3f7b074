-- Two years of a platform, the same at every run: :retailers, :vendors, :products and :orders rows, up to :anchor.
-- Every figure of a row comes from its number through pg_temp.u, so that nothing depends on the order of making.

create function pg_temp.u(i bigint, salt bigint) returns double precision language sql immutable
    as $$ select (hashint8extended(i, salt) & 2147483647) / 2147483648.0 $$;
create function pg_temp.price(product bigint) returns bigint language sql immutable
    as $$ select 2000 + product * 7919 % 48000 $$;

insert into retailers (id, code, shop_name, owner_name, phone, email, city, state, language, credit_limit_paisa,
                       debt_paisa, credit_score, terms_days, active, created_at)
select i, 'RET' || lpad(i::text, 5, '0'), 'Kirana Pasal ' || i, 'Owner ' || i, '+977100' || lpad(i::text, 5, '0'),
       'shop' || i || '@example.com',
       (array['Kathmandu', 'Lalitpur', 'Bhaktapur', 'Pokhara', 'Biratnagar', 'Birgunj', 'Butwal'])[1 + i % 7],
       (array['Bagmati', 'Bagmati', 'Bagmati', 'Gandaki', 'Koshi', 'Madhesh', 'Lumbini'])[1 + i % 7],
       case when i % 3 = 0 then 'en' else 'ne' end, 0, 0, 300 + i * 7919 % 601, 30, true,
       timestamptz :'anchor' - interval '1 day' * (30 + i * 31 % 900)
from generate_series(1, :retailers) i;

insert into vendors (id, code, business_name, phone, city, state, language, rating_hundredths, approved, active,
                     completed_orders, completed_value_paisa, created_at)
select i, 'VEN' || lpad(i::text, 5, '0'), 'Traders ' || i, '+977110' || lpad(i::text, 5, '0'),
       (array['Kathmandu', 'Lalitpur', 'Bhaktapur', 'Pokhara', 'Biratnagar', 'Birgunj', 'Butwal'])[1 + i % 7],
       (array['Bagmati', 'Bagmati', 'Bagmati', 'Gandaki', 'Koshi', 'Madhesh', 'Lumbini'])[1 + i % 7],
       'en', case when i % 20 = 0 then null else 300 + i * 37 % 201 end, true, true, 0, 0,
       timestamptz :'anchor' - interval '800 days'
from generate_series(1, :vendors) i;

insert into products (id, code, name, unit, category)
select i, 'PRODUCT-' || lpad(i::text, 4, '0'), 'Product ' || i, 'kg', 'Category ' || i % 20
from generate_series(1, :products) i;

-- The first :common products are sold by every vendor, about forty others by each.
insert into stock (vendor_id, product_id, price_paisa, quantity, available, updated_at)
select vendor, product, (pg_temp.price(product) * (0.85 + 0.3 * pg_temp.u(vendor * 1000 + product, 11)))::bigint,
       case when product <= :common then 1000000000 else 500 end, true, timestamptz :'anchor' - interval '1 day'
from (
    select vendor, product from generate_series(1, :vendors) vendor, generate_series(1, :common) product
    union
    select vendor, :common + 1 + (vendor * 37 + k * 11) % (:products - :common)
    from generate_series(1, :vendors) vendor, generate_series(0, 39) k
) sold;

-- The newest orders wait: :waiting drafts and as many confirmed ones, all of common products.
create unlogged table scale_orders as
with drawn as materialized (
    select i, timestamptz :'anchor' - interval '25 minutes'
              - interval '730 days' * (greatest(:orders - 2 * :waiting - i, 0)::float / :orders) as created_at,
           1 + floor(:retailers * power(pg_temp.u(i, 1), 1.5))::bigint as retailer_id,
           1 + floor(:vendors * power(pg_temp.u(i, 2), 1.2))::bigint as vendor_id,
           pg_temp.u(i, 3) as fate, i > :orders - 2 * :waiting as is_new, i > :orders - :waiting as is_draft,
           1 + floor(20 * pg_temp.u(i, 7))::bigint as q1, 1 + floor(20 * pg_temp.u(i, 8))::bigint as q2,
           pg_temp.u(i, 9) as pays, pg_temp.u(i, 10) < 0.1 as is_bad_debt
    from generate_series(1::bigint, :orders) i
), chosen as materialized (
    select *, case when is_new then 1 + i % (:common / 2) else 1 + floor(:products * power(pg_temp.u(i, 5), 1.5))::bigint end as p1
    from drawn
), timed as materialized (
    select *, case when is_new then p1 + :common / 2
                   else 1 + (p1 + floor((:products - 1) * pg_temp.u(i, 6))::bigint) % :products end as p2,
           created_at + interval '10 minutes' as confirmed, created_at + interval '20 minutes' as assigned,
           created_at + interval '30 minutes' + interval '110 minutes' * pg_temp.u(i, 12) as accepted
    from chosen
), moved as materialized (
    select *, accepted + interval '4 hours' * (1 + pg_temp.u(i, 13)) as dispatched,
           accepted + interval '10 hours' + interval '110 hours' * pg_temp.u(i, 14) as delivered,
           accepted + interval '6 days' + interval '4 days' * pg_temp.u(i, 15) as completed,
           created_at + interval '3 hours' + interval '20 hours' * pg_temp.u(i, 16) as cancelled,
           fate < 0.04 and not is_new and created_at < timestamptz :'anchor' - interval '3 days' as is_cancelled,
           q1 * pg_temp.price(p1) + q2 * pg_temp.price(p2) as subtotal
    from timed
), stated as materialized (
    select *, case when is_draft or confirmed > :'anchor' or fate > 0.99 then 'DRAFT'
                   when is_new then 'CONFIRMED'
                   when is_cancelled then 'CANCELLED'
                   when assigned > :'anchor' then 'CONFIRMED'
                   when accepted > :'anchor' then 'VENDOR_ASSIGNED'
                   when dispatched > :'anchor' then 'ACCEPTED'
                   when delivered > :'anchor' then 'DISPATCHED'
                   when completed > :'anchor' then 'DELIVERED' else 'COMPLETED' end as state,
           subtotal + (subtotal * 13 + 50) / 100 as total,
           -- Cancelled by the retailer and by the vendor after acceptance, by both others before it.
           case when is_cancelled then case when fate < 0.01 then 'RETAILER' when fate < 0.02 then 'VENDOR'
                                            when fate < 0.03 then 'RETAILER' else 'PLATFORM' end end as cancelled_by,
           is_cancelled and fate < 0.02 as is_cancelled_late
    from moved
), owed as materialized (
    select *, state in ('DELIVERED', 'COMPLETED') as is_delivered,
           state in ('ACCEPTED', 'DISPATCHED', 'DELIVERED', 'COMPLETED') or is_cancelled_late as was_accepted,
           case when state in ('DELIVERED', 'COMPLETED')
                then (delivered at time zone 'Asia/Kathmandu')::date + 30 end as due_on,
           delivered + interval '5 days' + interval '40 days' * pg_temp.u(i, 17) as paid_first,
           delivered + interval '30 days' + interval '30 days' * pg_temp.u(i, 18) as paid_second,
           is_bad_debt or created_at > timestamptz :'anchor' - interval '90 days' as may_owe
    from stated
)
select *, case when not is_delivered or paid_first > :'anchor' or (pays >= 0.93 and may_owe) then 0
               when pays < 0.7 or (pays >= 0.85 and not may_owe) then total else total / 2 end as first,
       case when is_delivered and pays >= 0.7 and pays < 0.85 and paid_second <= :'anchor' and paid_first <= :'anchor'
            then total - total / 2 else 0 end as second
from owed;

insert into orders (id, number, retailer_id, vendor_id, state, payment_status, subtotal_paisa, tax_paisa, total_paisa,
                    paid_paisa, due_on, needs_manual_routing, imported, cancelled_by, cancel_reason, created_at,
                    confirmed_at, assigned_at, accepted_at, dispatched_at, delivered_at, completed_at, cancelled_at)
select i, 'ORD' || to_char(created_at at time zone 'Asia/Kathmandu', 'YYMM') || lpad((i % 1000000)::text, 6, '0'),
       retailer_id, case when state not in ('DRAFT', 'CONFIRMED') then vendor_id end, state,
       case when first + second = total then 'PAID'
            when due_on < (timestamptz :'anchor' at time zone 'Asia/Kathmandu')::date then 'OVERDUE'
            when first + second > 0 then 'PARTIAL' else 'PENDING' end,
       subtotal, total - subtotal, total, first + second, due_on, false, false, cancelled_by,
       case when is_cancelled and state = 'CANCELLED' then 'not needed' end, created_at,
       case when state <> 'DRAFT' then confirmed end,
       case when state not in ('DRAFT', 'CONFIRMED') then assigned end,
       case when was_accepted then accepted end,
       case when state in ('DISPATCHED', 'DELIVERED', 'COMPLETED') then dispatched end,
       case when is_delivered then delivered end,
       case when state = 'COMPLETED' then completed end,
       case when state = 'CANCELLED' then cancelled end
from scale_orders order by i;

insert into order_items (id, order_id, product_id, quantity, unit_price_paisa)
select 2 * i - line, i, case line when 1 then p1 else p2 end, case line when 1 then q1 else q2 end,
       pg_temp.price(case line when 1 then p1 else p2 end)
from scale_orders, generate_series(0, 1) line order by i;

insert into payments (id, number, order_id, retailer_id, amount_paisa, method, paid_at, recorded_at)
select 2 * i - line, 'PAY' || lpad(i::text, 8, '0') || '-' || 2 - line, i, retailer_id,
       case line when 1 then first else second end,
       (array['CASH', 'BANK_TRANSFER', 'MOBILE_MONEY', 'CHEQUE'])[1 + i % 4],
       case line when 1 then paid_first else paid_second end, case line when 1 then paid_first else paid_second end
from scale_orders, generate_series(0, 1) line
where case line when 1 then first else second end > 0 order by i;

insert into credit_ledger (id, retailer_id, kind, order_id, payment_id, debit_paisa, credit_paisa, balance_paisa, at, recorded_at)
select row_number() over (order by at, kind, order_id, payment_id), retailer_id, kind, order_id, payment_id, debit, credit,
       sum(debit - credit) over (partition by retailer_id order by at, kind, order_id, payment_id
                                 rows unbounded preceding), at, at
from (
    select retailer_id, 'ORDER' as kind, i as order_id, null::bigint as payment_id, total as debit, 0 as credit, accepted as at
    from scale_orders where was_accepted
    union all
    select retailer_id, 'ORDER_REVERSED', i, null, 0, total, cancelled from scale_orders where is_cancelled_late
    union all
    select retailer_id, 'PAYMENT', order_id, id, 0, amount_paisa, paid_at from payments
) entries;

update retailers set debt_paisa = debt, credit_limit_paisa = case when id % 50 = 0 then 0 else greatest(50000000, debt * 2) end
from (select retailer_id, sum(debit_paisa - credit_paisa)::bigint as debt from credit_ledger group by 1) sums
where sums.retailer_id = retailers.id;

update vendors set completed_orders = sums.orders, completed_value_paisa = sums.value
from (select vendor_id, count(*) as orders, sum(total_paisa)::bigint as value from orders where state = 'COMPLETED' group by 1) sums
where sums.vendor_id = vendors.id;

insert into vendor_offers (id, order_id, vendor_id, attempt, score_hundredths, state, offered_at, deadline, answered_at)
select row_number() over (order by i, attempt), i, vendor, attempt, 5000 + i % 5000, state, offered_at,
       offered_at + interval '2 hours', answered_at
from (
    select i, vendor_id as vendor, case when i % 7 = 0 then 2 else 1 end as attempt,
           case when was_accepted then 'ACCEPTED' else 'PENDING' end as state, assigned as offered_at,
           case when was_accepted then accepted end as answered_at
    from scale_orders where was_accepted or state = 'VENDOR_ASSIGNED'
    union all
    select i, 1 + vendor_id % :vendors, 1, case when i % 3 = 0 then 'EXPIRED' else 'REJECTED' end,
           assigned - interval '9 minutes', case when i % 3 <> 0 then assigned - interval '1 minute' end
    from scale_orders where (was_accepted or state = 'VENDOR_ASSIGNED') and i % 7 = 0
) made;

insert into credit_scores (retailer_id, score, band, trigger, components, explanation, job_id, calculated_at)
select id, credit_score, 'Fair', 'manual', '{}', 'Made by the data maker.', 'credit-scale-' || id,
       timestamptz :'anchor' - interval '10 hours'
from retailers;

drop table scale_orders;
